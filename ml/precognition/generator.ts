import type { PrecognitionImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';

/**
 * What simulated series are made of. `walk` holds no signal: its best forecast is its last value. The shares are those in
 * which training draws them.
 */
const kinds = {
  /** Level, trend, season, memory, jumps and noise, added or multiplied. */
  structure: 0.3,
  /** What changes keeps changing: employment, temperatures of the globe. */
  momentum: 0.14,
  /** Prices: steps without memory, of which large ones come together and some are very large. */
  market: 0.12,
  walk: 0.1,
  /** A long season under weather: memory of days, spread that changes with the season. */
  climate: 0.12,
  /** Mostly nothing, sometimes much: rain, deaths by disasters. */
  rain: 0.08,
  /** Whole numbers of events, by the hour of the day or the day of the week. */
  counts: 0.06,
  /** Rises and falls of no fixed length. */
  cycle: 0.05,
  /** A day like the one before, almost to the last digit. */
  clock: 0.03,
} as const;
export type SeriesKind = keyof typeof kinds;

export interface SimulatedSeries {
  readonly history: Float64Array;
  readonly future: Float64Array;
  /** Rounds of the calendar, as the times of a series would suggest them; not always the season. */
  readonly calendar: readonly number[];
}

/** The longest horizon that is simulated. */
const longestHorizon = 400;

/** A simulated series of a kind, or of any, with what came after. */
export function simulateSeries(random: Random, kind: SeriesKind = pickKind(random)): SimulatedSeries {
  const period = periodOf(random, kind);
  const length = lengthOf(random, kind, period);
  const horizon = horizonOf(random, length, period);
  const count = length + horizon;
  const unbroken = rawSeries(random, kind, period, count);
  const broken = breaks[kind] && random.chance(0.15) ? withBreak(random, unbroken, length) : unbroken;
  const raw = finished(random, kind, broken);
  const history = random.chance(0.12) ? withGaps(random, raw.subarray(0, length)) : raw.slice(0, length);
  return { history, future: raw.slice(length), calendar: calendarOf(random, period) };
}

/** Which kinds may break with their past: a crisis, a new rule, a lost customer. */
const breaks: Readonly<Record<SeriesKind, boolean>> = {
  structure: true,
  momentum: true,
  market: true,
  walk: false,
  climate: false,
  rain: false,
  counts: false,
  cycle: false,
  clock: false,
};

/** A trend that no past foretells: it begins late in the history or after it, and ends some steps on. */
function withBreak(random: Random, values: Float64Array, length: number): Float64Array {
  let sizes = 0;
  for (let i = 1; i < values.length; i++) sizes += Math.abs(at(values, i) - at(values, i - 1));
  const slope = (random.normal() * sizes) / values.length;
  const from = random.int(Math.floor(0.7 * length), values.length - 1);
  const lasts = random.int(4, 30);
  return values.map((value, i) => value + slope * Math.max(0, Math.min(i - from, lasts)));
}

function pickKind(random: Random): SeriesKind {
  let left = random.uniform();
  for (const kind of kindNames) {
    left -= kinds[kind];
    if (left < 0) return kind;
  }
  return 'structure';
}
const kindNames = ['structure', 'momentum', 'market', 'walk', 'climate', 'rain', 'counts', 'cycle', 'clock'] as const;

const shortPeriods = [4, 5, 6, 7, 7, 10, 12, 12, 12, 24, 24, 30, 48, 52] as const;
const longPeriods = [52, 90, 120, 168, 182, 365, 365, 365] as const;

function periodOf(random: Random, kind: SeriesKind): number {
  switch (kind) {
    case 'climate':
      return random.pick(longPeriods);
    case 'rain':
      return random.chance(0.4) ? random.pick(longPeriods) : 1;
    case 'clock':
      return random.pick([12, 24, 24, 48, 96]);
    case 'structure':
    case 'counts':
      return random.chance(0.3) ? 1 : random.pick(shortPeriods);
    case 'momentum':
      return random.chance(0.7) ? 1 : random.pick([4, 12, 12, 7, 52]);
    case 'market':
    case 'walk':
    case 'cycle':
      return 1;
  }
}

function lengthOf(random: Random, kind: SeriesKind, period: number): number {
  if (kind === 'climate' || (kind === 'rain' && period > 1)) return Math.round(period * random.uniform(1.2, 4.2));
  if (kind === 'clock') return Math.round(period * random.uniform(3, 15));
  const length = Math.exp(random.uniform(Math.log(4), Math.log(400)));
  return Math.round(period > 1 && random.chance(0.7) ? Math.max(length, period * random.uniform(2, 6)) : length);
}

/** Up to a few dozen steps, one season, or far ahead; never over five times the history. */
function horizonOf(random: Random, length: number, period: number): number {
  const wish = random.uniform();
  const steps =
    period > 1 && wish < 0.4
      ? period
      : wish < 0.85
        ? random.int(1, 24)
        : Math.round(Math.exp(random.uniform(0, Math.log(2 * length))));
  return Math.max(1, Math.min(steps, 5 * length, longestHorizon));
}

function calendarOf(random: Random, period: number): number[] {
  const others = random.chance(0.4) ? [random.pick([5, 7, 12, 24, 52, 365])] : [];
  return period > 1 && random.chance(0.65) ? [period, ...others] : others;
}

function rawSeries(random: Random, kind: SeriesKind, period: number, count: number): Float64Array {
  switch (kind) {
    case 'structure':
      return structure(random, period, count);
    case 'momentum':
      return momentum(random, period, count);
    case 'market':
      return market(random, count);
    case 'walk':
      return walk(random, count);
    case 'climate':
      return climate(random, period, count);
    case 'rain':
      return rain(random, period, count);
    case 'counts':
      return counts(random, period, count);
    case 'cycle':
      return cycle(random, count);
    case 'clock':
      return clock(random, period, count);
  }
}

function series(count: number, valueAt: (i: number) => number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = valueAt(i);
  return values;
}

/** A season: a few waves that fit into the period, sometimes with a place of its own that stands out. */
function seasonOf(random: Random, period: number, size: number): Float64Array {
  const waves = Array.from({ length: random.int(1, period > 6 ? 3 : 2) }, (_, k) => ({
    frequency: (2 * Math.PI * (k + 1)) / period,
    phase: random.uniform(0, 2 * Math.PI),
    height: (size * random.uniform(0.4, 1)) / (k + 1),
  }));
  const odd = random.chance(0.4) ? random.int(0, period - 1) : -1;
  const oddness = size * random.normal(0, 1.5);
  const rough = random.chance(0.3) ? size * random.uniform(0, 0.6) : 0;
  return series(period, (i) => {
    let sum = (i === odd ? oddness : 0) + random.normal(0, rough);
    for (const { frequency, phase, height } of waves) sum += height * Math.sin(frequency * i + phase);
    return sum;
  });
}

/** Noise of heavy tails: Student's t of so many degrees of freedom, near enough, with a deviation of about 1. */
function heavyNoise(random: Random, freedom: number): number {
  let squares = 0;
  for (let i = 0; i < freedom; i++) squares += random.normal() ** 2;
  return random.normal() / Math.sqrt(Math.max(0.05, squares / freedom)) / Math.sqrt(freedom / (freedom - 2));
}

function structure(random: Random, period: number, count: number): Float64Array {
  const season = seasonOf(random, period, period === 1 ? 0 : random.uniform(0.3, 5));
  const seasonChange = random.chance(0.3) ? random.uniform(0, 0.15) : 0;
  let slope = random.chance(0.4) ? 0 : random.normal(0, 0.08);
  const slopeChange = random.chance(0.3) ? 0.01 : 0;
  const fading = random.chance(0.3) ? random.uniform(0.9, 1) : 1;
  const memory = random.uniform(-0.2, 0.9);
  const noise = random.uniform(0.05, 1.2);
  const freedom = random.chance(0.25) ? random.int(3, 6) : 0;
  const wander = random.chance(0.5) ? random.uniform(0, 0.8) : 0;
  const jump = random.chance(0.8) ? 0 : 0.02;
  let [level, rest] = [0, 0];
  return series(count, (i) => {
    slope = slope * fading + random.normal(0, slopeChange);
    level += slope + random.normal(0, wander) + (random.chance(jump) ? random.normal(0, 4) : 0);
    rest = memory * rest + noise * (freedom > 0 ? heavyNoise(random, freedom) : random.normal());
    const place = i % period;
    const now = at(season, place);
    if (seasonChange > 0) season[place] = now + random.normal(0, seasonChange);
    return level + rest + now;
  });
}

function momentum(random: Random, period: number, count: number): Float64Array {
  const memory = random.uniform(0.3, 0.97);
  const drift = random.normal(0, 0.6);
  const noise = random.chance(0.5) ? random.uniform(0, 2) : 0;
  const season = seasonOf(random, period, period === 1 ? 0 : random.uniform(0.5, 8));
  const shock = random.chance(0.3) ? 0.01 : 0;
  let [change, level] = [drift, 0];
  return series(count, (i) => {
    change = drift + memory * (change - drift) + random.normal() + (random.chance(shock) ? random.normal(0, 8) : 0);
    level += change;
    return level + random.normal(0, noise) + at(season, i % period);
  });
}

/** Steps whose spread has a memory (Bollerslev 1986), with heavy tails. */
function market(random: Random, count: number): Float64Array {
  const [react, keep] = [random.uniform(0.02, 0.2), random.uniform(0.5, 0.8)];
  const freedom = random.int(3, 8);
  const drift = random.normal(0, 0.08);
  let [variance, value] = [1, 0];
  return series(count, () => {
    const step = Math.sqrt(variance) * heavyNoise(random, freedom);
    variance = 1 - react - keep + react * Math.min(50, step * step) + keep * variance;
    value += drift + step;
    return value;
  });
}

function walk(random: Random, count: number): Float64Array {
  let value = 0;
  return series(count, () => (value += random.normal()));
}

function climate(random: Random, period: number, count: number): Float64Array {
  const size = random.chance(0.2) ? random.uniform(0, 0.4) : random.uniform(0.4, 4);
  const phase = random.uniform(0, 2 * Math.PI);
  const second = random.chance(0.4) ? random.uniform(0, 0.4) : 0;
  const memory = random.uniform(0, 0.9);
  const uneven = random.uniform(0, 0.6);
  const skewed = random.chance(0.3) ? random.uniform(0.2, 0.6) : 0;
  const slow = random.chance(0.3) ? random.uniform(0, 0.02) : 0;
  let [rest, level] = [0, 0];
  return series(count, (i) => {
    const angle = (2 * Math.PI * i) / period + phase;
    const spread = 1 + uneven * Math.sin(angle + 1);
    rest = memory * rest + Math.sqrt(1 - memory * memory) * random.normal();
    level += random.normal(0, slow);
    const noise = skewed > 0 ? (Math.exp(skewed * rest) - 1) / skewed : rest;
    return size * (Math.sin(angle) + second * Math.sin(2 * angle)) + spread * noise + level;
  });
}

/** Rain or none, each with a memory, in amounts of heavy tails. */
function rain(random: Random, period: number, count: number): Float64Array {
  const often = random.uniform(0.08, 0.8);
  const memory = random.uniform(0, 0.6);
  const swing = period > 1 ? random.uniform(0, 0.8) : 0;
  const phase = random.uniform(0, 2 * Math.PI);
  const spread = random.uniform(0.5, 1.6);
  const scale = 10 ** random.uniform(-1, 2);
  let wet = false;
  return series(count, (i) => {
    const usual = often * (1 + swing * Math.sin((2 * Math.PI * i) / period + phase));
    wet = random.chance(Math.min(0.98, wet ? usual + memory * (1 - usual) : usual * (1 - memory)));
    return wet ? scale * Math.exp(random.normal(0, spread)) : 0;
  });
}

/** A whole number of events by Poisson's law (Knuth's method, by the normal law where they are many). */
function poisson(random: Random, mean: number): number {
  if (mean > 40) return Math.max(0, Math.round(random.normal(mean, Math.sqrt(mean))));
  const limit = Math.exp(-mean);
  let [product, events] = [random.uniform(), 0];
  while (product > limit) {
    product *= random.uniform();
    events += 1;
  }
  return events;
}

function counts(random: Random, period: number, count: number): Float64Array {
  const usual = 10 ** random.uniform(-0.5, 2.3);
  const season = seasonOf(random, period, period === 1 ? 0 : random.uniform(0.2, 0.9));
  const wild = random.chance(0.5) ? random.uniform(0, 0.5) : 0;
  const wander = random.chance(0.4) ? 0.03 : 0;
  let level = 0;
  return series(count, (i) => {
    level += random.normal(0, wander);
    return poisson(random, Math.min(1e6, usual * Math.exp(at(season, i % period) + level + random.normal(0, wild))));
  });
}

/** Cycles of changing length and height: an autoregression of two steps with complex roots (Yule 1927). */
function cycle(random: Random, count: number): Float64Array {
  const [length, hold] = [random.uniform(5, 60), random.uniform(0.85, 0.995)];
  const [first, second] = [2 * hold * Math.cos((2 * Math.PI) / length), -hold * hold];
  const positive = random.chance(0.5);
  let [now, before] = [random.normal(0, 3), random.normal(0, 3)];
  return series(count, () => {
    [now, before] = [first * now + second * before + random.normal(), now];
    return positive ? now * now : now;
  });
}

function clock(random: Random, period: number, count: number): Float64Array {
  const season = seasonOf(random, period, 1);
  const slow = (2 * Math.PI) / (period * random.uniform(20, 400));
  const [phase, swing, growth] = [random.uniform(0, 6), random.uniform(0, 1.5), random.uniform(0, 0.6)];
  const noise = random.uniform(0, 0.1);
  return series(count, (i) => {
    const year = Math.sin(slow * i + phase);
    return at(season, i % period) * (1 + growth * year) + swing * year + random.normal(0, noise);
  });
}

/** Puts a series on a scale as the world has them: some multiply rather than add, some are rounded. */
function finished(random: Random, kind: SeriesKind, raw: Float64Array): Float64Array {
  if (kind === 'rain' || kind === 'counts') return raw;
  const size = 10 ** random.uniform(-2, 4);
  const offset = random.normal(0, 5);
  const multiply = kind === 'market' ? random.chance(0.7) : kind !== 'walk' && random.chance(0.25);
  let spread = 0;
  for (const value of raw) spread = Math.max(spread, Math.abs(value));
  const strength = random.uniform(0.2, 1.5) / Math.max(1e-9, spread);
  const scaled = raw.map((value) => size * (multiply ? Math.exp(strength * value) : offset + value));
  if (random.chance(0.6)) return scaled;
  const digit = 10 ** Math.floor(Math.log10(size * (multiply ? strength : 1))) * random.pick([0.01, 0.1, 0.1, 1]);
  return scaled.map((value) => Math.round(value / digit) * digit);
}

/** Missing values, as they are once a straight line has filled them; never at the end. */
function withGaps(random: Random, values: Float64Array): Float64Array {
  const share = random.uniform(0.02, 0.2);
  const filled = values.slice();
  let known = 0;
  for (let i = 1; i < values.length; i++) {
    if (i < values.length - 1 && random.chance(share)) continue;
    for (let gap = known + 1; gap < i; gap++) {
      filled[gap] = at(values, known) + ((at(values, i) - at(values, known)) * (gap - known)) / (i - known);
    }
    known = i;
  }
  return filled;
}

const dayMs = 86_400_000;

/** A session as a person would send it: one series or a few, some values missing, sometimes an own forecast or an event. */
export function simulateSession(random: Random): PrecognitionImpressions {
  const simulated = Array.from({ length: random.chance(0.7) ? 1 : random.int(2, 4) }, () => simulateSeries(random));
  const horizon = Math.min(...simulated.map(({ history, future }) => Math.min(future.length, 5 * history.length)));
  const from = Date.UTC(random.int(1990, 2025), random.int(0, 11), 1);
  const named = simulated.map(({ history, future }, i) => ({
    name: `series ${i + 1}`,
    times: Array.from(history, (_, step) => new Date(from + step * dayMs).toISOString().slice(0, 10)),
    values: Array.from(history, (value, step) => (step > 1 && random.chance(0.02) ? null : value)),
    future: Array.from(future.subarray(0, horizon)),
  }));
  const [first] = named;
  const goal = first?.future.at(-1) ?? 0;
  return {
    series: named.map(({ name, times, values }) => ({ name, times, values })),
    horizon,
    ...(random.chance(0.3) && first !== undefined
      ? { forecast: [{ name: first.name, values: first.future.map((value) => value * random.normal(1, 0.1)) }] }
      : {}),
    ...(random.chance(0.3) && first !== undefined
      ? {
          event: {
            series: first.name,
            direction: random.pick(['above', 'below']),
            value: goal * random.normal(1, 0.05),
            when: random.pick(['at_end', 'within']),
          },
        }
      : {}),
  };
}
