import { at } from '../sequence.ts';
import { autoregress } from './autoregression.ts';
import { seasonProfile, withoutSeason } from './season.ts';
import { autocorrelationAt, lineOf, meanOf, medianOf, rangeOf } from './statistics.ts';

/** The plain forecasts that the network chooses among, in the order of its inputs. */
export const baselineNames = [
  'last value',
  'seasonal naive',
  'seasonal naive with growth',
  'drift',
  'smoothed level',
  'theta',
  'damped trend',
  'straight line',
  'seasonal mean',
  'back to the seasonal mean',
  'median',
  'multiplicative theta',
  'moving season',
  'moving season that multiplies',
  'autoregression',
] as const;

/** How many of the newest values smoothing looks at: what lies before has no weight left. */
const smoothingReach = 400;
const damping = 0.9;

/** The mean absolute difference between values a lag apart: what the seasonal-naive forecast errs by (Hyndman 2006). */
export function naiveError(values: Float64Array, lag: number): number {
  let sum = 0;
  for (let i = lag; i < values.length; i++) sum += Math.abs((values[i] ?? NaN) - (values[i - lag] ?? NaN));
  return values.length > lag ? sum / (values.length - lag) : 0;
}

/**
 * What the seasonal-naive forecast errs by in this series, one season ahead. Never less than a hundredth of what the last
 * value errs by, so that a season without any noise can be measured in it; never zero.
 */
export function scaleOf(values: Float64Array, period: number): number {
  const { low, high } = rangeOf(values);
  return Math.max(
    naiveError(values, Math.min(period, values.length - 1)),
    naiveError(values, 1) / 100,
    1e-9 * Math.max(1, -low, high),
  );
}

/** The values of the last season again and again; of the last step where there is no season. */
export function seasonalNaive(values: Float64Array, period: number, horizon: number): Float64Array {
  const lag = Math.min(period, values.length);
  return path(horizon, (step) => values[values.length - lag + ((step - 1) % lag)] ?? NaN);
}

function path(horizon: number, valueAt: (step: number) => number): Float64Array {
  const values = new Float64Array(horizon);
  for (let step = 1; step <= horizon; step++) values[step - 1] = valueAt(step);
  return values;
}

/** Exponential smoothing with the weight that erred least one step ahead. */
function smoothLevel(values: Float64Array): { level: number; weight: number } {
  let best = { level: NaN, weight: NaN, error: Infinity };
  for (const weight of [0.05, 0.15, 0.3, 0.6, 0.9]) {
    let [level, error] = [values[0] ?? NaN, 0];
    for (const value of values) {
      const miss = value - level;
      error += Math.abs(miss);
      level += weight * miss;
    }
    if (error < best.error) best = { level, weight, error };
  }
  return best;
}

/** Smoothing of level and damped trend (Gardner, McKenzie 1985), with the weights that erred least one step ahead. */
function smoothTrend(values: Float64Array): { level: number; trend: number } {
  let best = { level: values.at(-1) ?? NaN, trend: 0, error: Infinity };
  for (const [levelWeight, trendWeight] of dampedWeights) {
    let [level, trend, error] = [values[0] ?? NaN, 0, 0];
    for (const value of values) {
      const expected = level + damping * trend;
      const miss = value - expected;
      error += Math.abs(miss);
      level = expected + levelWeight * miss;
      trend = damping * trend + levelWeight * trendWeight * miss;
    }
    if (error < best.error) best = { level, trend, error };
  }
  return best;
}
const dampedWeights = [
  [0.1, 0.1],
  [0.3, 0.1],
  [0.3, 0.4],
  [0.7, 0.2],
  [0.9, 0.5],
  [0.9, 0.9],
] as const;

/**
 * Smoothed level with half the slope of the line, which is what the Theta method comes to (Hyndman, Billah 2003), from
 * what the season leaves of a series.
 */
function theta(rest: Float64Array, profile: Float64Array, horizon: number): Float64Array {
  const { slope } = lineOf(rest);
  const { level, weight } = smoothLevel(rest.subarray(-smoothingReach));
  const lag = (1 - (1 - weight) ** rest.length) / weight;
  return path(
    horizon,
    (step) => level + (slope / 2) * (step - 1 + lag) + (profile[(rest.length + step - 1) % profile.length] ?? NaN),
  );
}

/**
 * Smoothing of level, damped trend and season together (Holt, Winters 1960), with the weights that erred least one step
 * ahead: for a season that changes. Without a season it is a trend that fades more slowly than `smoothTrend`'s.
 */
function smoothAll(values: Float64Array, profile: Float64Array, horizon: number): Float64Array {
  const period = profile.length;
  const from = Math.max(0, values.length - Math.max(smoothingReach, 6 * period));
  let best = { error: Infinity, level: NaN, trend: 0, season: profile };
  for (const [levelWeight, trendWeight, seasonWeight] of movingWeights) {
    const season = profile.slice();
    let [level, trend, error] = [(values[from] ?? NaN) - (season[from % period] ?? NaN), 0, 0];
    for (let i = from, place = from % period; i < values.length; i++, place = (place + 1) % period) {
      const expected = level + slowDamping * trend;
      const miss = (values[i] ?? NaN) - expected - (season[place] ?? NaN);
      error += Math.abs(miss);
      level = expected + levelWeight * miss;
      trend = slowDamping * trend + levelWeight * trendWeight * miss;
      if (period > 1) season[place] = (season[place] ?? NaN) + seasonWeight * (1 - levelWeight) * miss;
    }
    if (error < best.error) best = { error, level, trend, season };
  }
  const { level, trend, season } = best;
  const reached = (step: number) => (slowDamping * (1 - slowDamping ** step)) / (1 - slowDamping);
  return path(horizon, (step) => level + trend * reached(step) + (season[(values.length + step - 1) % period] ?? NaN));
}
const slowDamping = 0.98;
const movingWeights = [
  [0.1, 0.05, 0.1],
  [0.1, 0.05, 0.5],
  [0.3, 0.1, 0.3],
  [0.6, 0.1, 0.1],
  [0.6, 0.3, 0.6],
  [0.9, 0.3, 0.3],
] as const;

/**
 * Forecasts on logarithms, where season and growth multiply, turned back; null where the values do not allow it or vary
 * too little for it to matter.
 */
function multiplied(
  values: Float64Array,
  period: number,
  horizon: number,
): { theta: Float64Array; smoothed: Float64Array } | null {
  const { low, high } = rangeOf(values);
  if (low <= 0 || high < low * 1.2) return null;
  const logs = values.map(Math.log);
  const profile = seasonProfile(logs, period);
  return {
    theta: theta(withoutSeason(logs, profile), profile, horizon).map(Math.exp),
    smoothed: smoothAll(logs, profile, horizon).map(Math.exp),
  };
}

/** By how much the newest values have moved a step: from season to season, or over the last few steps without one. */
function recentSlope(values: Float64Array, period: number): number {
  const { length } = values;
  if (period > 1) {
    const before = values.subarray(-2 * period, -period);
    return before.length === period ? (meanOf(values.subarray(-period)) - meanOf(before)) / period : 0;
  }
  const reach = Math.min(4, length - 1);
  return reach > 0 ? (at(values, length - 1) - at(values, length - 1 - reach)) / reach : 0;
}

/** How far a slope of 1 that dies away has come after so many steps. */
function dampedSteps(step: number): number {
  return (damping * (1 - damping ** step)) / (1 - damping);
}

/** Keeps forecasts from running away: at most twice as fast out of the range of the history as that was gone through. */
function bounded(forecasts: readonly Float64Array[], values: Float64Array): Float64Array[] {
  const { low, high } = rangeOf(values);
  return forecasts.map((forecast) => {
    const held = new Float64Array(forecast.length);
    for (let i = 0; i < held.length; i++) {
      const reach = (high - low) * (1 + (2 * (i + 1)) / values.length);
      held[i] = Math.max(low - reach, Math.min(high + reach, forecast[i] ?? NaN));
    }
    return held;
  });
}

/** Every plain forecast of the steps 1 to `horizon`, in the order of `baselineNames`. */
export function plainForecasts(values: Float64Array, period: number, horizon: number): Float64Array[] {
  const count = values.length;
  const profile = seasonProfile(values, period);
  const rest = withoutSeason(values, profile);
  const seasonal = (valueAt: (step: number) => number) =>
    path(horizon, (step) => valueAt(step) + (profile[(count + step - 1) % period] ?? NaN));

  const [last, restLast] = [at(values, count - 1), at(rest, count - 1)];
  const repeated = seasonalNaive(values, period, horizon);
  const slope = recentSlope(values, period);
  const drift = (restLast - at(rest, 0)) / Math.max(1, count - 1);
  const line = lineOf(rest);
  const newest = rest.subarray(-smoothingReach);
  const { level } = smoothLevel(newest);
  const damped = smoothTrend(newest);
  const mean = meanOf(rest);
  const memory = Math.min(0.99, Math.max(0, autocorrelationAt(rest, 1)));
  const median = medianOf(values.subarray(-Math.max(60, 2 * period)));
  const halfLine = theta(rest, profile, horizon);
  const regressed = autoregress(newest, horizon);
  const moving = smoothAll(values, profile, horizon);
  const onLogarithms = multiplied(values, period, horizon);

  const forecasts = [
    path(horizon, () => last),
    repeated,
    repeated.map(
      (value, i) => value + slope * (period > 1 ? period * Math.ceil((i + 1) / period) : dampedSteps(i + 1)),
    ),
    seasonal((step) => restLast + drift * step),
    seasonal(() => level),
    halfLine,
    seasonal((step) => damped.level + damped.trend * dampedSteps(step)),
    seasonal((step) => line.end + line.slope * step),
    seasonal(() => mean),
    seasonal((step) => mean + memory ** step * (restLast - mean)),
    path(horizon, () => median),
    onLogarithms?.theta ?? halfLine,
    moving,
    onLogarithms?.smoothed ?? moving,
    seasonal((step) => regressed[step - 1] ?? NaN),
  ];
  return bounded(forecasts, values);
}
