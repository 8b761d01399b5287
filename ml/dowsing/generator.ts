import type { DowsingAnswerImpressions, DowsingLocationImpressions, Region } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import type { Answer } from './answer.ts';
import { type Grid, gridOf } from './grid.ts';
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

function ownPatterns(random: Random): { yes: Pattern; no: Pattern } {
  for (;;) {
    const [yes, no] = [anyPattern(random), anyPattern(random)];
    if (differ(yes, no)) return { yes, no };
  }
}

/** Records some patterns that are swung together, with a hand that drifts and a pen that shakes. */
function record(random: Random, parts: readonly { pattern: Pattern; share: number }[], seconds: number): Trace {
  const rate = random.uniform(12, 30);
  const sizePx = random.uniform(15, 200);
  const noise = sizePx * random.uniform(0.02, 0.15);
  const [driftX, driftY] = [random.normal(0, sizePx / 20), random.normal(0, sizePx / 20)];
  const count = Math.max(8, Math.round(seconds * rate));
  const [xs, ys] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i++) {
    xs[i] = 300 + (driftX * i) / rate + random.normal(0, noise);
    ys[i] = 300 + (driftY * i) / rate + random.normal(0, noise);
  }
  for (const { pattern, share } of parts) {
    const step = (random.uniform(0.7, 1.4) * 2 * Math.PI) / rate;
    const phase = random.uniform(0, 2 * Math.PI);
    const [alongX, alongY] = [sizePx * share * Math.cos(pattern.tilt), sizePx * share * Math.sin(pattern.tilt)];
    for (let i = 0; i < count; i++) {
      const [along, across] = [Math.cos(step * i + phase), pattern.roundness * Math.sin(step * i + phase)];
      xs[i] = (xs[i] ?? 0) + along * alongX - across * alongY;
      ys[i] = (ys[i] ?? 0) + along * alongY + across * alongX;
    }
  }
  return Array.from({ length: count }, (_, i) => ({ x: at(xs, i), y: at(ys, i), tMs: (1000 * i) / rate }));
}

export interface SimulatedAnswer {
  readonly truth: Answer;
  /** The same swing, recorded anew each time: other noise, another moment to begin with, another length. */
  readonly recorded: () => DowsingAnswerImpressions;
}

/**
 * A simulated answer: the person's pattern for yes or no shows with the signal's strength among others that mean
 * nothing. Without any signal the right reading is "unclear".
 */
export function simulateAnswer(random: Random, truth: Answer, signal: number): SimulatedAnswer {
  const calibrated = random.chance(0.6);
  const patterns = calibrated
    ? ownPatterns(random)
    : {
        yes: { ...upAndDown, tilt: upAndDown.tilt + random.normal(0, 0.15) },
        no: { ...sideways, tilt: sideways.tilt + random.normal(0, 0.15) },
      };
  const others = Array.from({ length: 2 }, () => ({
    pattern: anyPattern(random),
    share: (1 - signal) * random.uniform(0.3, 0.8),
  }));
  const shown = truth === 'unclear' ? [] : [{ pattern: patterns[truth], share: signal }];
  const show = (pattern: Pattern) =>
    record(
      random,
      [
        { pattern, share: 1 },
        { pattern: anyPattern(random), share: 0.15 },
      ],
      4,
    );
  const question = 'A simulated question';
  return {
    truth,
    recorded() {
      const points = record(random, [...shown, ...others], random.uniform(3, 12));
      if (!calibrated) return { question, trace: { points } };
      return { question, trace: { points, calibration: { yes: show(patterns.yes), no: show(patterns.no) } } };
    },
  };
}

export interface SimulatedSearch {
  readonly impressions: DowsingLocationImpressions;
  /** Where what is sought lies. */
  readonly target: Place;
}

function anyRegion(random: Random): Region {
  const south = random.uniform(-60, 55);
  const west = random.uniform(-180, 180);
  const span = 10 ** random.uniform(-2, 1);
  const east = west + span * random.uniform(0.6, 1.8);
  return { west, south, east: east > 180 ? east - 360 : east, north: south + span };
}

/** In shares of the region's sides, from west and south. */
export type Place = readonly [x: number, y: number];

/** Where a person aims, and how far around it what is meant lies, along both sides in shares of them. */
interface Aim {
  readonly at: Place;
  readonly scatter: Place;
}

function anyAim(random: Random, grid: Grid, [x, y]: Place): Aim {
  const diagonalKm = Math.hypot(grid.widthKm, grid.heightKm);
  const [alongX, alongY] = [diagonalKm / grid.widthKm, diagonalKm / grid.heightKm];
  const scatter = random.uniform(0.02, 0.12);
  const inside = (value: number) => Math.min(1, Math.max(0, value));
  return {
    at: [inside(x + random.normal(0, 0.02 * alongX)), inside(y + random.normal(0, 0.02 * alongY))],
    scatter: [scatter * alongX, scatter * alongY],
  };
}

/** A simulated search: the signal is the share of reactions that gather around what is sought; the others lie anywhere. */
export function simulateSearch(random: Random, signal: number): SimulatedSearch {
  const region = anyRegion(random);
  const grid = gridOf(region);
  const target = [random.uniform(), random.uniform()] as const;
  const search = { random, grid, aim: anyAim(random, grid, target), signal };
  const found = random.chance(0.3) ? { sweeps: sweeps(search) } : { points: points(search) };
  return { impressions: { question: 'A simulated search', region, ...found }, target };
}

interface Search {
  readonly random: Random;
  readonly grid: Grid;
  readonly aim: Aim;
  readonly signal: number;
}

/** Points set on the map: few in half of the searches. */
function points({ random, grid, aim, signal }: Search) {
  return Array.from({ length: random.int(1, random.chance(0.5) ? 8 : 60) }, () => {
    const meant = random.chance(signal);
    const place = ([0, 1] as const).map((side) =>
      meant ? near(random, aim.at[side], aim.scatter[side]) : random.uniform(),
    );
    return { ...grid.toDegrees(at(place, 0), at(place, 1)), weight: random.uniform(0.5, 1.5) * (meant ? 1.2 : 1) };
  });
}

/** A normal deviate that falls between 0 and 1. */
function near(random: Random, mean: number, deviation: number): number {
  for (;;) {
    const value = random.normal(mean, deviation);
    if (value >= 0 && value <= 1) return value;
  }
}

/** Parallel lines walked over the region; around a reaction a person goes slowly, and most note how strong it was. */
function sweeps({ random, grid, aim, signal }: Search) {
  const [lines, steps] = [random.int(2, 10), random.int(12, 28)];
  const northward = random.chance(0.5);
  const places: Place[] = [];
  for (let line = 0; line < lines; line++) {
    const [offset, slant] = [(line + random.uniform(0.2, 0.8)) / lines, random.normal(0, 0.1 / lines)];
    for (let step = 0; step < steps; step++) {
      const along = (step + 0.5) / steps;
      const aside = Math.min(1, Math.max(0, offset + slant * (along - 0.5)));
      places.push(northward ? [aside, along] : [along, aside]);
    }
  }
  const reacted = new Set<number>();
  const pull = pullOf(places, aim);
  for (let reaction = random.int(1, Math.min(16, Math.floor(places.length / 8))); reaction > 0; reaction--) {
    const meant = random.chance(signal);
    reacted.add(meant ? drawFrom(random, pull) : random.int(0, places.length - 1));
  }
  const noted = random.chance(0.6);
  const paceMs = random.uniform(500, 5_000);
  return Array.from({ length: lines }, (_, line) => {
    let tMs = 0;
    return {
      points: Array.from({ length: steps }, (_step, step) => {
        const index = line * steps + step;
        const [x, y] = at(places, index);
        const reacts = reacted.has(index);
        const pauseMs = reacts ? paceMs * random.uniform(1.5, 3) : 0;
        tMs += step === 0 ? 0 : paceMs * random.uniform(0.8, 1.2) + pauseMs;
        const point = { ...grid.toDegrees(x, y), tMs };
        tMs += pauseMs;
        return noted ? { ...point, strength: reacts ? random.uniform(0.6, 1) : random.uniform(0, 0.3) } : point;
      }),
    };
  });
}

/** How strongly each place draws a meant reaction, added up along the way. */
function pullOf(places: readonly Place[], aim: Aim): Float64Array {
  const pull = new Float64Array(places.length);
  let sum = 0;
  places.forEach(([x, y], i) => {
    const [dx, dy] = [(x - aim.at[0]) / aim.scatter[0], (y - aim.at[1]) / aim.scatter[1]];
    sum += Math.exp(-0.5 * (dx * dx + dy * dy)) + 1e-12;
    pull[i] = sum;
  });
  return pull;
}

function drawFrom(random: Random, addedUp: Float64Array): number {
  const drawn = random.uniform() * (addedUp.at(-1) ?? 0);
  return addedUp.findIndex((sum) => drawn < sum);
}
