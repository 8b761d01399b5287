import type { DowsingAnswerImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';

export type Trace = DowsingAnswerImpressions['trace']['points'];

/** Into how many stretches of time a trace is cut at most, so that its steadiness can be seen. */
const mostStretches = 8;
/** A stretch needs some points to show a swing; a short trace is cut into fewer. */
const pointsPerStretch = 4;

/** Sums over a stretch of a trace; they add, so stretches can be put together again in any choice. */
interface Sums {
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
  /** Twice the area swept around the middle; its sign is the direction of turning. */
  readonly swept: number;
  /** What `swept` would be if every step went round. */
  readonly sweptAtMost: number;
}

/**
 * How a pendulum swings, whatever its size: along x or y (-1 to 1), along which diagonal (-1 to 1), and how much it goes
 * round (-1 to 1).
 */
export type Swing = readonly [along: number, diagonal: number, turning: number];

/** The sums over the points from one index up to another. */
function sumsOf(points: Trace, from: number, to: number): Sums {
  let [middleX, middleY] = [0, 0];
  for (let i = from; i < to; i++) {
    middleX += at(points, i).x / (to - from);
    middleY += at(points, i).y / (to - from);
  }
  let [xx, yy, xy, swept, sweptAtMost] = [0, 0, 0, 0, 0];
  for (let i = from; i < to; i++) {
    const point = at(points, i);
    const [x, y] = [point.x - middleX, point.y - middleY];
    xx += x * x;
    yy += y * y;
    xy += x * y;
    if (i + 1 === to) break;
    const next = at(points, i + 1);
    const [dx, dy] = [next.x - point.x, next.y - point.y];
    swept += x * dy - y * dx;
    sweptAtMost += Math.sqrt((x * x + y * y) * (dx * dx + dy * dy));
  }
  return { xx, yy, xy, swept, sweptAtMost };
}

/** Cuts a trace into stretches of equal time; each keeps its own middle, so a drifting hand does not count as a swing. */
export function stretchesOf(points: Trace): Sums[] {
  const start = points[0]?.tMs ?? 0;
  const duration = (points.at(-1)?.tMs ?? 0) - start;
  const count = Math.min(mostStretches, Math.max(1, Math.floor(points.length / pointsPerStretch)));
  const stretches: Sums[] = [];
  for (let from = 0, stretch = 1; stretch <= count; stretch++) {
    let to = from;
    while (to < points.length && (stretch === count || shareAt(to) < stretch / count)) to += 1;
    if (to - from > 1) stretches.push(sumsOf(points, from, to));
    from = to;
  }
  return stretches.length > 0 ? stretches : [sumsOf(points, 0, points.length)];

  /** How much of the trace's time is over at a point; without times, how many of its points. */
  function shareAt(index: number): number {
    return duration > 0 ? (at(points, index).tMs - start) / duration : index / points.length;
  }
}

/** The swing of some stretches together; all zero where nothing moved. */
export function swingOf(stretches: readonly Sums[]): Swing {
  let [xx, yy, xy, swept, sweptAtMost] = [0, 0, 0, 0, 0];
  for (const sums of stretches) {
    xx += sums.xx;
    yy += sums.yy;
    xy += sums.xy;
    swept += sums.swept;
    sweptAtMost += sums.sweptAtMost;
  }
  const energy = xx + yy;
  if (energy <= 0) return [0, 0, 0];
  return [(xx - yy) / energy, (2 * xy) / energy, sweptAtMost > 0 ? swept / sweptAtMost : 0];
}

/** A trace that could have come about as well: stretches drawn with replacement (a block bootstrap, Künsch 1989). */
export function resample<T>(random: Random, stretches: readonly T[]): T[] {
  return stretches.length === 0 ? [] : stretches.map(() => random.pick(stretches));
}
