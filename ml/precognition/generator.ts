import { at } from '../sequence.ts';
import type { Random } from '../random.ts';

/** What a simulated series is made of. `walk` holds no signal: its best forecast is its last value. */
export type SeriesKind = 'mixed' | 'walk';

export interface SimulatedSeries {
  readonly history: number[];
  readonly future: number[];
}

const periods = [4, 5, 7, 12, 24] as const;

/** A season: a few waves that fit into the period. */
function seasonOf(random: Random, period: number, size: number): number[] {
  const waves = Array.from({ length: random.int(1, 3) }, (_, k) => ({
    frequency: (2 * Math.PI * (k + 1)) / period,
    phase: random.uniform(0, 2 * Math.PI),
    height: (size * random.uniform(0.4, 1)) / (k + 1),
  }));
  return Array.from({ length: period }, (_, i) =>
    waves.reduce((sum, { frequency, phase, height }) => sum + height * Math.sin(frequency * i + phase), 0),
  );
}

/** A simulated series with what came after: trend, season, memory, wandering, jumps and noise in all mixtures. */
export function simulateSeries(random: Random, kind: SeriesKind, horizon: number): SimulatedSeries {
  const length = random.int(12, 160);
  const walkOnly = kind === 'walk';
  const period = random.pick(periods);
  const season = seasonOf(random, period, walkOnly || random.chance(0.35) ? 0 : random.uniform(0.5, 4));
  let slope = walkOnly || random.chance(0.4) ? 0 : random.normal(0, 0.08);
  const slopeChange = random.chance(0.3) ? 0.01 : 0;
  const memory = walkOnly ? 0 : random.uniform(-0.2, 0.9);
  const noise = walkOnly ? 0 : random.uniform(0.1, 1);
  const wander = walkOnly ? 1 : random.chance(0.5) ? random.uniform(0, 0.8) : 0;
  const jump = walkOnly || random.chance(0.8) ? 0 : 0.02;
  const size = 10 ** random.uniform(-2, 4);
  const offset = random.normal(0, 5);
  let [level, rest] = [0, 0];
  const values = Array.from({ length: length + horizon }, (_, i) => {
    slope += walkOnly ? 0 : random.normal(0, slopeChange);
    level += slope + random.normal(0, wander) + (random.chance(jump) ? random.normal(0, 4) : 0);
    rest = memory * rest + random.normal(0, noise);
    return size * (offset + level + rest + at(season, i % period));
  });
  return { history: values.slice(0, length), future: values.slice(length) };
}
