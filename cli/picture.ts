import type { z } from 'zod';
import { resultDataSchemas, type ResultType } from '../domain/results.ts';
import type { SessionResult } from './apiClient.ts';

/** Results as lines of text that a person would rather look at than read as JSON. */

const barWidth = 24;

/** A share from 0 to 1 as a bar with its number. */
export function bar(label: string, share: number, labelWidth: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * barWidth * 8);
  const blocks = '█'.repeat(Math.floor(eighths / 8)) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '');
  return `${label.padEnd(labelWidth)} ${share.toFixed(2)} ${blocks}`;
}

function bars(rows: readonly { name: string; probability: number }[], count: number): string[] {
  const shown = rows.slice(0, count);
  const width = Math.max(...shown.map(({ name }) => name.length), 0);
  return shown.map(({ name, probability }) => bar(name, probability, width));
}

/** Points on a plane, each drawn as the digit of its group. */
export function scatter(points: readonly (readonly [number, number])[], groups: readonly number[]): string[] {
  const [width, height] = [48, 12];
  const grid = Array.from({ length: height }, () => Array<string>(width).fill('·'));
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const place = (value: number, values: number[], cells: number) => {
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    return Math.round(((value - low) / span) * (cells - 1));
  };
  points.forEach(([x, y], i) => {
    const row = grid[height - 1 - place(y, ys, height)];
    if (row !== undefined) row[place(x, xs, width)] = String(groups[i] ?? '?');
  });
  return grid.map((row) => row.join(''));
}

/** A step of a forecast on the scale of all of them: from low to high, with the middle marked. */
export function band(step: readonly number[], all: readonly number[]): string {
  const [least, span] = [Math.min(...all), Math.max(...all) - Math.min(...all) || 1];
  const [low = 0, middle = 0, high = 0] = step.map((value) => Math.round(((value - least) / span) * 36));
  return `${' '.repeat(low)}${'─'.repeat(middle - low)}●${'─'.repeat(high - middle)}`;
}

function eventLines({ series, direction, value, when, probability, baseRate }: Event): string[] {
  const until = when === 'at_end' ? 'at the end' : 'at some step';
  return [
    bar(`${series} ${direction} ${value} ${until}`, probability, 0),
    `the history itself held it in ${(100 * baseRate).toFixed(0)}% of such stretches`,
  ];
}

interface Cell {
  readonly lon: number;
  readonly lat: number;
  readonly probability: number;
}

/**
 * Cells of a map as shades, north at the top: the darkest is the most probable, what is not named is a dot. Cells that
 * share a character add up.
 */
export function heatMap(
  cells: readonly Cell[],
  { west, south, east, north }: { west: number; south: number; east: number; north: number },
): string[] {
  const [width, height] = [72, 18];
  const sums = Array.from({ length: height }, () => Array<number>(width).fill(0));
  for (const { lon, lat, probability } of cells) {
    const column = Math.floor((((lon - west + 360) % 360) / (east - west)) * width);
    const row = sums[Math.min(height - 1, Math.floor(((north - lat) / (north - south)) * height))];
    const before = row?.[column];
    if (row !== undefined && before !== undefined) row[column] = before + probability;
  }
  const most = Math.max(...sums.flat());
  const shade = (sum: number) => (sum === 0 ? '·' : '░▒▓█'.charAt(Math.min(3, Math.floor((sum / most) * 4))));
  return sums.map((row) => row.map(shade).join(''));
}

const world = { west: -180, south: -90, east: 180, north: 90 };

/** Reads a result's data by its schema, and frames its drawing with what every result says. */
function picture<T extends { summary: string; chance: Chance; model: Model }>(
  schema: z.ZodType<T>,
  draw: (data: T) => string[],
): (data: unknown) => string[] {
  return (unread) => {
    const data = schema.parse(unread);
    const { chance, model } = data;
    return [
      data.summary,
      ...draw(data),
      `chance: ${chance.value.toFixed(2)}, ${chance.meaning}`,
      `model: ${model.name} ${model.version} on ${model.backend}`,
    ];
  };
}

interface Chance {
  value: number;
  meaning: string;
}

interface Model {
  name: string;
  version: string;
  backend: string;
}

const schemas = resultDataSchemas;
type Event = NonNullable<z.infer<(typeof schemas)['precognition.forecast']>['event']>;

const pictures: Record<ResultType, (data: unknown) => string[]> = {
  'remote_viewing.descriptors': picture(schemas['remote_viewing.descriptors'], (data) => bars(data.descriptors, 6)),
  'remote_viewing.objects': picture(schemas['remote_viewing.objects'], (data) => bars(data.objects, 5)),
  'remote_viewing.geography': picture(schemas['remote_viewing.geography'], ({ terrain, places, density }) => [
    ...bars(terrain, 4),
    ...places.slice(0, 3).map(({ name, country }, i) => `${i + 1}. ${name}, ${country}`),
    ...(density === undefined ? [] : heatMap(density.cells, world)),
  ]),
  'remote_viewing.match': picture(schemas['remote_viewing.match'], (data) =>
    data.ranking
      .slice(0, 5)
      .map(
        ({ id, rank, score, figureOfMerit }) =>
          `${rank}. ${id.padEnd(12)} ${score.toFixed(3)}  figure of merit ${figureOfMerit.toFixed(2)}`,
      ),
  ),
  'dowsing.answer': picture(schemas['dowsing.answer'], ({ yes, no, unclear, interval: [low, high] }) => [
    bar('yes', yes, 7),
    bar('no', no, 7),
    bar('unclear', unclear, 7),
    `yes lies between ${low.toFixed(2)} and ${high.toFixed(2)}`,
  ]),
  'dowsing.location': picture(schemas['dowsing.location'], ({ best, area50Km2, area90Km2 }) => [
    `best ${best.lat.toFixed(4)}, ${best.lon.toFixed(4)}`,
    `half of the probability lies on ${area50Km2.toFixed(2)} km², 90% on ${area90Km2.toFixed(2)} km²`,
  ]),
  'precognition.forecast': picture(schemas['precognition.forecast'], ({ series, event }) => [
    ...series.flatMap(({ name, times, q10, q50, q90 }) => [
      `${name.padEnd(12)}     low  middle    high`,
      ...times.map((time, i) => {
        const step = [q10[i], q50[i], q90[i]].map((value) => value ?? NaN);
        const numbers = step.map((value) => value.toFixed(1).padStart(7));
        return `${time.slice(0, 10).padEnd(12)} ${numbers.join(' ')}  ${band(step, [...q10, ...q90])}`;
      }),
    ]),
    ...(event === undefined ? [] : eventLines(event)),
  ]),
  'intuitive_analysis.patterns': picture(schemas['intuitive_analysis.patterns'], (data) => {
    const [oddest] = [...data.anomalies].sort((a, b) => b.score - a.score);
    const because = oddest?.because.map(({ dimension }) => dimension).join(', ') ?? '';
    return [
      `${data.clusters.count} groups, stability ${data.clusters.stability.toFixed(2)}`,
      ...(oddest === undefined ? [] : [`row ${oddest.row} stands out most, by ${because}`]),
      ...bars(
        data.importance.map(({ dimension, weight }) => ({ name: dimension, probability: weight })),
        5,
      ),
      ...scatter(data.map, data.clusters.labels),
    ];
  }),
};

/** The lines of one result: what it is, its picture, what chance gives, and which model made it. */
export function describeResult({ resultType, confidenceScore, data }: SessionResult): string[] {
  return [
    `${resultType} · confidence ${confidenceScore.toFixed(2)}`,
    ...pictures[resultType](data).map((line) => `  ${line}`),
  ];
}
