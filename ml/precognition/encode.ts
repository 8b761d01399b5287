import type { PrecognitionImpressions } from '../../domain/impressions.ts';
import { at } from '../sequence.ts';
import { type NamedTensors, tensorOf } from '../tensors.ts';
import { backtest } from './backtest.ts';
import { baselineNames, naiveError, plainForecasts, scaleOf } from './baselines.ts';
import { band, levels, partCount, partsOf } from './distribution.ts';
import { type EvenSeries, evenOut } from './rhythm.ts';
import { findPeriod, seasonProfile } from './season.ts';
import { autocorrelationAt, differencesOf, meanOf, medianOf, rangeOf } from './statistics.ts';

/** A series with what the model finds in it before it looks ahead. */
export interface KnownSeries {
  readonly values: Float64Array;
  /** How many steps a season has; 1 where there is none. */
  readonly period: number;
  /** What the seasonal-naive forecast erred by in the history, one season ahead. */
  readonly scale: number;
  readonly last: number;
}

/** What is known of a series of even steps before anything is forecast. */
export function knownSeries(values: Float64Array, calendar: readonly number[]): KnownSeries {
  const period = findPeriod(values, calendar);
  return { values, period, scale: scaleOf(values, period), last: at(values, values.length - 1) };
}

type Series = PrecognitionImpressions['series'][number];
type ReadSeries = KnownSeries & Pick<EvenSeries, 'timeAhead'>;

/** What was found in a series, for as long as it is held: encoding asks for it, then the report of the same session. */
const read = new WeakMap<Series, ReadSeries>();

/** A series as a person sent it, on even steps, with what is known of it. */
export function readSeries(series: Series): ReadSeries {
  const before = read.get(series);
  if (before !== undefined) return before;
  const { values, calendar, timeAhead } = evenOut(series);
  const found = { ...knownSeries(values, calendar), timeAhead };
  read.set(series, found);
  return found;
}

export const baselineCount = baselineNames.length;
const [factsOfStep, factsOfSeries] = [3 * baselineCount + 7, 14];
export const factCount = factsOfStep + factsOfSeries;

/** Below this share of a scale no forecast is taken to have erred. */
const leastError = 1e-3;

/**
 * What the network sees of a series at some of its steps ahead, a row a step. Values stand relative to the last one, in
 * units of what the better plain forecasts erred by at that step, so that easy and hard series look alike:
 * - `plain`, `highest`, `lowest` [steps, baselines]: the plain forecasts, and their extremes up to the step,
 * - `errors` [steps, baselines]: what each erred by in the series' past,
 * - `usual` [steps, parts]: what the series usually is at that place of its season, as the parts of a distribution,
 * - `facts` [steps, facts]: what tells which of them to trust, and how far,
 * - `unit` [steps, 1]: the unit itself, in scales.
 */
export function encodeSeries(
  series: KnownSeries,
  horizon: number,
  steps: readonly number[] = Array.from({ length: horizon }, (_, i) => i + 1),
): NamedTensors {
  const { values, period, scale, last } = series;
  const past = backtest(values, period, horizon);
  const paths = plainForecasts(values, period, horizon);
  const highs = paths.map((path) => running(path, Math.max));
  const lows = paths.map((path) => running(path, Math.min));
  const ofSeries = [...factsOf(series), past.furthest > 0 ? 1 : 0];
  const usual = usualValues(values, period);

  const rows = steps.map((step) => {
    const erred = past.errorsAt(step).map((error) => Math.max(error / scale, leastError));
    const unit = unitOf(erred);
    const relative = (value: number) => (value - last) / scale / unit;
    const atStep = (path: Float64Array) => relative(at(path, step - 1));
    const plain = paths.map(atStep);
    const centre = middleOf(plain);
    const quantiles = usual(step).map(relative);
    const facts = [
      ...erred.map((error) => Math.log(error / unit)),
      ...plain.map((value) => squeeze(value - centre)),
      ...past.missesAt(step).map((miss, b) => miss / scale / at(erred, b)),
      ...[band.q10, band.q50, band.q90].map((level) => squeeze(at(quantiles, level))),
      Math.log(unit) / 2,
      Math.log(step) / 3,
      Math.min(3, step / period / 3),
      Math.log(step / Math.max(1, Math.min(step, past.furthest))) / 2,
      ...ofSeries,
    ];
    const errors = erred.map((error) => error / unit);
    const extremes = { highest: highs.map(atStep), lowest: lows.map(atStep) };
    return { plain, ...extremes, errors, usual: partsOf(quantiles), facts, unit: [unit] };
  });
  const stacked = (name: keyof (typeof rows)[number], width: number) =>
    tensorOf(
      [steps.length, width],
      rows.flatMap((row) => row[name]),
    );
  return {
    plain: stacked('plain', baselineCount),
    highest: stacked('highest', baselineCount),
    lowest: stacked('lowest', baselineCount),
    errors: stacked('errors', baselineCount),
    usual: stacked('usual', partCount),
    facts: stacked('facts', factCount),
    unit: stacked('unit', 1),
  };
}

/** The mean error of the three plain forecasts that erred least, and a little of that of all. */
function unitOf(errors: readonly number[]): number {
  const best = errors.toSorted((a, b) => a - b).slice(0, 3);
  return sumOf(best) / best.length + (0.05 * sumOf(errors)) / errors.length;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function middleOf(values: readonly number[]): number {
  return at(
    values.toSorted((a, b) => a - b),
    Math.floor(values.length / 2),
  );
}

/** Near 0 the value itself, far away its logarithm. */
function squeeze(value: number): number {
  return Math.asinh(value) / 2;
}

function running(path: Float64Array, extreme: (a: number, b: number) => number): Float64Array {
  let soFar = at(path, 0);
  return path.map((value) => (soFar = extreme(soFar, value)));
}

/** How many of the newest values show what a series usually is, and how wild it is now. */
const [usualReach, nowReach] = [200, 20];

/** The quantiles of the newest values, at `levels`, moved to the place of a step in the season. */
function usualValues(values: Float64Array, period: number): (step: number) => number[] {
  const profile = seasonProfile(values, period);
  const rest = values.map((value, i) => value - at(profile, i % period));
  const sorted = rest.slice(-Math.max(usualReach, 3 * period)).sort();
  const quantiles = levels.map((level) => at(sorted, Math.round(level * (sorted.length - 1))));
  return (step) => quantiles.map((value) => value + at(profile, (values.length + step - 1) % period));
}

/** What tells of what kind a series is. */
function factsOf({ values, period, scale, last }: KnownSeries): number[] {
  const { length } = values;
  const changes = differencesOf(values);
  const sizes = changes.map(Math.abs);
  const [meanSize, nowSize] = [meanOf(sizes), meanOf(sizes.subarray(-nowReach))];
  const { low, high } = rangeOf(values);
  const varies = high > low;
  let [lowest, below] = [0, 0];
  for (const value of values) {
    if (value === low) lowest += 1;
    if (value < last) below += 1;
  }
  return [
    Math.log(length) / 5,
    period > 1 ? 1 : 0,
    Math.log(period) / 4,
    Math.log(length / period) / 3,
    Math.min(3, naiveError(values, 1) / scale),
    autocorrelationAt(changes, 1),
    autocorrelationAt(changes, 2),
    autocorrelationAt(changes, period),
    meanSize > 0 ? Math.max(-2, Math.log(nowSize / meanSize)) : 0,
    meanSize > 0 ? medianOf(sizes) / meanSize : 1,
    lowest / length,
    below / length,
    varies ? (high - medianOf(values)) / (high - low) : 0.5,
  ];
}
