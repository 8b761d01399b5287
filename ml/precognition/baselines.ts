import { at } from '../sequence.ts';
import { meanOf, medianOf } from '../figures.ts';

/** The plain forecasts that the network chooses among, in the order of its inputs. */
export const baselineNames = ['last', 'seasonal', 'drift', 'seasonal drift', 'level', 'mean'] as const;

const longestPeriod = 400;
const damping = 0.9;

/** The mean absolute difference between values a lag apart: what the seasonal-naive forecast errs by (Hyndman 2006). */
export function naiveError(values: readonly number[], lag: number): number {
  const errors = values.slice(lag).map((value, i) => Math.abs(value - at(values, i)));
  return meanOf(errors);
}

function autocorrelation(centred: readonly number[], lag: number): number {
  let [together, all] = [0, 0];
  centred.forEach((value, i) => {
    all += value * value;
    if (i >= lag) together += value * at(centred, i - lag);
  });
  return all > 0 ? together / all : 0;
}

/** Takes away the straight line through the values, so that a trend is not mistaken for a season. */
function detrend(values: readonly number[]): number[] {
  const half = (values.length - 1) / 2;
  const mean = meanOf(values);
  const spread = values.reduce((sum, _, i) => sum + (i - half) ** 2, 0);
  const slope = values.reduce((sum, value, i) => sum + (i - half) * (value - mean), 0) / Math.max(1, spread);
  return values.map((value, i) => value - mean - slope * (i - half));
}

/**
 * How many steps a season has: the lag at which the detrended series is most like itself, where that is a peak well
 * above what noise gives; 1 where there is no season.
 */
export function findPeriod(values: readonly number[]): number {
  const centred = detrend(values);
  const longest = Math.min(longestPeriod, Math.floor(values.length / 2));
  const correlations = Array.from({ length: longest + 2 }, (_, lag) =>
    lag <= longest ? autocorrelation(centred, lag) : -1,
  );
  let [best, highest] = [1, 1.96 / Math.sqrt(values.length) + 0.1];
  for (let lag = 2; lag <= longest; lag++) {
    const value = at(correlations, lag);
    const isPeak = value > at(correlations, lag - 1) && value >= at(correlations, lag + 1);
    if (isPeak && value > highest * 1.05) [best, highest] = [lag, value];
  }
  return best;
}

/** Exponential smoothing with the weight that erred least one step ahead. */
function smoothLevel(values: readonly number[]): number {
  let [bestLevel, least] = [values.at(-1) ?? 0, Infinity];
  for (const weight of [0.05, 0.1, 0.2, 0.4, 0.7]) {
    let [level, error] = [at(values, 0), 0];
    for (const value of values) {
      error += Math.abs(value - level);
      level += weight * (value - level);
    }
    if (error < least) [bestLevel, least] = [level, error];
  }
  return bestLevel;
}

/** Every plain forecast for the steps asked for: [step][baseline]. */
export function plainForecasts(values: readonly number[], period: number, steps: readonly number[]): number[][] {
  const count = values.length;
  const last = at(values, count - 1);
  const slope = (last - at(values, 0)) / Math.max(1, count - 1);
  const seasons = Math.floor((count - 1) / period);
  const seasonalSlope = seasons > 0 ? (last - at(values, count - 1 - seasons * period)) / (seasons * period) : 0;
  const recent = meanOf(values.slice(-Math.max(period, Math.min(count, 8))));
  const before = count >= 2 * period && period > 1 ? meanOf(values.slice(-2 * period, -period)) : recent;
  const seasonOf = (step: number) => at(values, count - period + ((step - 1) % period));
  // A season's own level is taken off, so that smoothing sees what is left.
  const remainder = period > 1 ? values.slice(period).map((value, i) => value - at(values, i)) : [];
  const shift = period > 1 && remainder.length > 0 ? smoothLevel(remainder.slice(-3 * period)) : 0;
  const level = smoothLevel(values.slice(-200));
  return steps.map((step) => {
    const damped = (damping * (1 - damping ** step)) / (1 - damping);
    const seasonal = seasonOf(step);
    return [
      last,
      seasonal,
      last + slope * step,
      period > 1 ? seasonal + seasonalSlope * period * Math.ceil(step / period) : last + seasonalSlope * damped,
      period > 1 ? seasonal + shift : level,
      recent +
        (seasonal - (period > 1 ? meanOf(values.slice(-period)) : last)) * (period > 1 ? 1 : 0) +
        (recent - before) * (period > 1 ? 0.5 : 0),
    ];
  });
}

/** What one step errs by in this series; never zero, so that a constant series can be divided by it. */
export function scaleOf(values: readonly number[], period: number): number {
  const smallest = 1e-9 * Math.max(1, ...values.map((value) => Math.abs(value)));
  return Math.max(naiveError(values, Math.min(period, values.length - 1)), smallest);
}

/**
 * How each plain forecast would have done on the end of the series, in scales: the best hint of how it will do.
 */
export function recentErrors(values: readonly number[], period: number, horizon: number, scale: number): number[] {
  const held = Math.max(1, Math.min(Math.floor(values.length / 4), Math.max(horizon, 4), 40));
  const errors: number[][] = [];
  for (const shiftBack of [held, Math.ceil(held / 2)]) {
    const past = values.slice(0, values.length - shiftBack);
    if (past.length < 2) continue;
    const steps = Array.from({ length: shiftBack }, (_, i) => i + 1);
    const forecasts = plainForecasts(past, Math.min(period, past.length), steps);
    forecasts.forEach((row, i) => {
      const truth = at(values, past.length + i);
      errors.push(row.map((forecast) => Math.min(10, Math.abs(truth - forecast) / scale)));
    });
  }
  return baselineNames.map((_, i) => (errors.length > 0 ? medianOf(errors.map((row) => row[i] ?? 0)) : 1));
}

/** The autocorrelation at a lag of what changes from step to step: near 0 for a random walk. */
export function changeCorrelation(values: readonly number[], lag: number): number {
  const changes = values.slice(1).map((value, i) => value - at(values, i));
  const mean = meanOf(changes);
  return autocorrelation(
    changes.map((change) => change - mean),
    lag,
  );
}
