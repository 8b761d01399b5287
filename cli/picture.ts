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

const pictures: Record<ResultType, (data: unknown) => string[]> = {
  'remote_viewing.descriptors': picture(schemas['remote_viewing.descriptors'], (data) => bars(data.descriptors, 6)),
  'remote_viewing.objects': picture(schemas['remote_viewing.objects'], (data) => bars(data.objects, 5)),
  'remote_viewing.geography': picture(schemas['remote_viewing.geography'], (data) => bars(data.terrain, 4)),
  'remote_viewing.match': picture(schemas['remote_viewing.match'], (data) =>
    data.ranking.slice(0, 5).map(({ id, score }, i) => `${i + 1}. ${id.padEnd(12)} ${score.toFixed(3)}`),
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
  'precognition.forecast': picture(schemas['precognition.forecast'], (data) =>
    data.series.flatMap(({ name, times, q10, q50, q90 }) => [
      `${name.padEnd(12)}     low  middle    high`,
      ...times.map((time, i) => {
        const quantiles = [q10[i], q50[i], q90[i]].map((value) => (value ?? NaN).toFixed(1).padStart(7));
        return `${time.slice(0, 10).padEnd(12)} ${quantiles.join(' ')}`;
      }),
    ]),
  ),
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
