import type { DowsingAnswerImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';

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

const nothing: Sums = { xx: 0, yy: 0, xy: 0, swept: 0, sweptAtMost: 0 };

function add(a: Sums, b: Sums): Sums {
  return {
    xx: a.xx + b.xx,
    yy: a.yy + b.yy,
    xy: a.xy + b.xy,
    swept: a.swept + b.swept,
    sweptAtMost: a.sweptAtMost + b.sweptAtMost,
  };
}

function sumsOf(points: Trace): Sums {
  const middleX = points.reduce((sum, { x }) => sum + x, 0) / Math.max(1, points.length);
  const middleY = points.reduce((sum, { y }) => sum + y, 0) / Math.max(1, points.length);
  let sums = nothing;
  points.forEach((point, i) => {
    const [x, y] = [point.x - middleX, point.y - middleY];
    const next = points[i + 1];
    const [dx, dy] = next === undefined ? [0, 0] : [next.x - point.x, next.y - point.y];
    const swept = x * dy - y * dx;
    sums = add(sums, { xx: x * x, yy: y * y, xy: x * y, swept, sweptAtMost: Math.hypot(x, y) * Math.hypot(dx, dy) });
  });
  return sums;
}

/** Cuts a trace into stretches of equal time; each keeps its own middle, so a drifting hand does not count as a swing. */
export function stretchesOf(points: Trace): Sums[] {
  const start = points[0]?.tMs ?? 0;
  const duration = (points.at(-1)?.tMs ?? 0) - start;
  const windowCount = Math.min(mostStretches, Math.max(1, Math.floor(points.length / pointsPerStretch)));
  const windows: Trace[] = Array.from({ length: windowCount }, () => []);
  points.forEach((point, i) => {
    const share = duration > 0 ? (point.tMs - start) / duration : i / points.length;
    windows[Math.min(windowCount - 1, Math.floor(share * windowCount))]?.push(point);
  });
  const filled = windows.filter((window) => window.length > 1);
  return (filled.length > 0 ? filled : [points]).map(sumsOf);
}

export function swingOf(stretches: readonly Sums[]): Swing {
  const { xx, yy, xy, swept, sweptAtMost } = stretches.reduce(add, nothing);
  const energy = xx + yy;
  if (energy <= 0) return [0, 0, 0];
  return [(xx - yy) / energy, (2 * xy) / energy, sweptAtMost > 0 ? swept / sweptAtMost : 0];
}

/** A trace that could have come about as well: stretches drawn with replacement (a block bootstrap, Künsch 1989). */
export function resample<T>(random: Random, stretches: readonly T[]): T[] {
  return stretches.length === 0 ? [] : stretches.map(() => random.pick(stretches));
}
