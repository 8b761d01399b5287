import type { DowsingLocationImpressions, DowsingSweepsImpressions } from '../../domain/impressions.ts';
import { UnanalyzableError } from '../errors.ts';
import { medianOf, quantileOf } from '../figures.ts';
import { at } from '../sequence.ts';
import type { Grid } from './grid.ts';

/** A place in shares of the region's sides, with how much it counts. */
export interface UnitPoint {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
}

/** What a search shows. */
export interface Reactions {
  readonly points: readonly UnitPoint[];
  /** The way that was walked, by time; null where a person could point anywhere. */
  readonly walked: readonly UnitPoint[] | null;
}

type Sweep = DowsingSweepsImpressions['sweeps'][number]['points'];

/** From this share of the strongest reaction on, a point of a sweep is part of a reaction. */
const leastStrength = 0.5;
/** Around a reaction a person takes so many times the usual time for the same way. */
const leastPause = 1.8;

/**
 * Where a person reacted: the points, or of a sweep the strongest point of every stretch that stands out.
 *
 * @throws UnanalyzableError when sweeps show no reaction.
 */
export function reactionsOf(impressions: DowsingLocationImpressions, grid: Grid): Reactions {
  if ('points' in impressions) {
    const points = impressions.points.map(({ lon, lat, weight = 1 }) => unitPoint(grid, lon, lat, weight));
    return { points, walked: null };
  }
  const sweeps = impressions.sweeps.map(({ points }) => points);
  const standOut = strengthsOf(sweeps) ?? pausesOf(sweeps, grid);
  const reactions = sweeps.flatMap((sweep, i) =>
    peaksOf(at(standOut, i)).map((peak) => {
      const { lon, lat } = at(sweep, peak);
      return unitPoint(grid, lon, lat, at(at(standOut, i), peak));
    }),
  );
  if (reactions.length === 0) throw new UnanalyzableError('The sweeps show no reaction: no strength, and no pause.');
  const walked = sweeps.flatMap((sweep) => sweep.map(({ lon, lat }) => unitPoint(grid, lon, lat, 1)));
  return { points: reactions, walked };
}

function unitPoint(grid: Grid, lon: number, lat: number, weight: number): UnitPoint {
  const [x, y] = grid.toUnit(lon, lat);
  return { x, y, weight };
}

/** The highest entry of every run of entries above zero. */
function peaksOf(values: readonly number[]): number[] {
  const peaks: number[] = [];
  values.forEach((value, i) => {
    const last = peaks.length - 1;
    if (value <= 0) return;
    if (i === 0 || at(values, i - 1) <= 0) peaks.push(i);
    else if (value > at(values, at(peaks, last))) peaks[last] = i;
  });
  return peaks;
}

/** How strongly each point stands out, 0 where it does not; null where no strength was noted in any sweep. */
function strengthsOf(sweeps: readonly Sweep[]): number[][] | null {
  let strongest = 0;
  for (const sweep of sweeps) for (const { strength = 0 } of sweep) strongest = Math.max(strongest, strength);
  if (strongest === 0) return null;
  return sweeps.map((sweep) =>
    sweep.map(({ strength = 0 }) => (strength < leastStrength * strongest ? 0 : strength / strongest)),
  );
}

/** The same by how slowly a person went, against the pace that a quarter of the way was not slower than. */
function pausesOf(sweeps: readonly Sweep[], grid: Grid): number[][] {
  const steps = sweeps.map((sweep) => stepsOf(sweep, grid));
  // Who stands still moves a little all the same: no step counts as shorter than a tenth of the usual one.
  const leastKm = Math.max(medianOf(steps.flatMap((one) => one.map(({ km }) => km))) / 10, 1e-9);
  const slowness = steps.map((one) =>
    Array.from({ length: one.length + 1 }, (_, i) => {
      const around = one.slice(Math.max(0, i - 1), i + 1);
      const km = around.reduce((sum, step) => sum + Math.max(leastKm, step.km), 0);
      return around.reduce((sum, step) => sum + step.ms, 0) / km;
    }),
  );
  const usual = quantileOf(slowness.flat(), 0.25);
  return slowness.map((one) =>
    one.map((slow) => (slow > leastPause * usual ? Math.min(3, slow / Math.max(usual, 1e-9)) : 0)),
  );
}

/** The steps from each point of a sweep to the next. */
function stepsOf(sweep: Sweep, grid: Grid): { km: number; ms: number }[] {
  return sweep.slice(1).map((to, i) => {
    const from = at(sweep, i);
    const [[fromX, fromY], [toX, toY]] = [grid.toUnit(from.lon, from.lat), grid.toUnit(to.lon, to.lat)];
    const km = Math.hypot((toX - fromX) * grid.widthKm, (toY - fromY) * grid.heightKm);
    return { km, ms: to.tMs - from.tMs };
  });
}
