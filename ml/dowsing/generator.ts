import type { DowsingAnswerImpressions, DowsingLocationImpressions, Region } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import type { Answer } from './answer.ts';
import type { Trace } from './swing.ts';

/** A way to swing: an ellipse of any flatness, tilt and direction of turning. */
interface Pattern {
  readonly tilt: number;
  /** 0 is a line, 1 a circle; negative turns the other way. */
  readonly roundness: number;
}

const upAndDown: Pattern = { tilt: Math.PI / 2, roundness: 0 };
const sideways: Pattern = { tilt: 0, roundness: 0 };

function anyPattern(random: Random): Pattern {
  return {
    tilt: random.uniform(0, Math.PI),
    roundness: random.chance(0.6) ? random.normal(0, 0.1) : random.pick([-1, 1]),
  };
}

function differ(a: Pattern, b: Pattern): boolean {
  return Math.abs(a.roundness - b.roundness) > 0.7 || Math.abs(Math.sin(a.tilt - b.tilt)) > 0.6;
}

function own(random: Random): { yes: Pattern; no: Pattern } {
  for (;;) {
    const [yes, no] = [anyPattern(random), anyPattern(random)];
    if (differ(yes, no)) return { yes, no };
  }
}

function swing(random: Random, parts: readonly { pattern: Pattern; share: number }[], seconds: number): Trace {
  const rate = random.uniform(12, 30);
  const sizePx = random.uniform(15, 200);
  const noise = sizePx * random.uniform(0.02, 0.15);
  const drift = [random.normal(0, sizePx / 20), random.normal(0, sizePx / 20)] as const;
  const moving = parts.map(({ pattern, share }) => ({
    ...pattern,
    share,
    frequency: random.uniform(0.7, 1.4) * 2 * Math.PI,
    phase: random.uniform(0, 2 * Math.PI),
  }));
  return Array.from({ length: Math.max(8, Math.round(seconds * rate)) }, (_, i) => {
    const t = i / rate;
    let [x, y] = [drift[0] * t + random.normal(0, noise), drift[1] * t + random.normal(0, noise)];
    for (const { tilt, roundness, share, frequency, phase } of moving) {
      const along = sizePx * share * Math.cos(frequency * t + phase);
      const across = sizePx * share * roundness * Math.sin(frequency * t + phase);
      x += along * Math.cos(tilt) - across * Math.sin(tilt);
      y += along * Math.sin(tilt) + across * Math.cos(tilt);
    }
    return { x: 300 + x, y: 300 + y, tMs: 1000 * t };
  });
}

export interface SimulatedAnswer {
  readonly impressions: DowsingAnswerImpressions;
  readonly truth: Answer;
}

/**
 * A simulated answer: the person's pattern for yes or no shows with the signal's strength among others that mean
 * nothing. Without any signal the right reading is "unclear".
 */
export function simulateAnswer(random: Random, truth: Answer, signal: number): SimulatedAnswer {
  const calibrated = random.chance(0.6);
  const patterns = calibrated
    ? own(random)
    : {
        yes: { ...upAndDown, tilt: upAndDown.tilt + random.normal(0, 0.15) },
        no: { ...sideways, tilt: sideways.tilt + random.normal(0, 0.15) },
      };
  const others = Array.from({ length: 2 }, () => ({
    pattern: anyPattern(random),
    share: (1 - signal) * random.uniform(0.3, 0.8),
  }));
  const shown = truth === 'unclear' ? [] : [{ pattern: patterns[truth], share: signal }];
  const points = swing(random, [...shown, ...others], random.uniform(3, 12));
  const show = (pattern: Pattern) =>
    swing(
      random,
      [
        { pattern, share: 1 },
        { pattern: anyPattern(random), share: 0.15 },
      ],
      4,
    );
  const trace = calibrated ? { points, calibration: { yes: show(patterns.yes), no: show(patterns.no) } } : { points };
  return { impressions: { question: 'A simulated question', trace }, truth };
}

export interface SimulatedSearch {
  readonly impressions: DowsingLocationImpressions;
  /** Where the target is, in shares of the region from west and south. */
  readonly target: readonly [x: number, y: number];
}

function anyRegion(random: Random): Region {
  const south = random.uniform(-60, 55);
  const west = random.uniform(-180, 180);
  const span = 10 ** random.uniform(-2, 1);
  const east = west + span * random.uniform(0.6, 1.8);
  return { west, south, east: east > 180 ? east - 360 : east, north: south + span };
}

/** A simulated search: the signal is the share of points that gather around the target; the others lie anywhere. */
export function simulateSearch(random: Random, signal: number): SimulatedSearch {
  const region = anyRegion(random);
  const lonSpan = region.east > region.west ? region.east - region.west : region.east - region.west + 360;
  const target = [random.uniform(), random.uniform()] as const;
  const scatter = random.uniform(0.03, 0.15);
  const aim = target.map((value) => value + random.normal(0, 0.03));
  const inside = (value: number) => Math.min(1, Math.max(0, value));
  const points = Array.from({ length: random.int(1, random.chance(0.5) ? 8 : 60) }, () => {
    const meant = random.chance(signal);
    const [x = 0, y = 0] = aim.map((value) => (meant ? inside(value + random.normal(0, scatter)) : random.uniform()));
    const lon = region.west + x * lonSpan;
    return {
      lon: lon > 180 ? lon - 360 : lon,
      lat: region.south + y * (region.north - region.south),
      weight: random.uniform(0.5, 1.5) * (meant ? 1.2 : 1),
    };
  });
  return { impressions: { question: 'A simulated search', region, points }, target };
}
