import { at } from '../sequence.ts';
import { baselineNames, naiveError, plainForecasts } from './baselines.ts';

/** How each plain forecast did when it was made at earlier times of the same series. */
interface Backtest {
  /** The furthest step that could be tried; 0 for two values, whose one change stands for every error. */
  readonly furthest: number;
  /** The mean absolute error of each plain forecast about so many steps ahead. */
  errorsAt(step: number): number[];
  /** The mean of truth minus forecast, likewise: which way it missed. */
  missesAt(step: number): number[];
}

/** From how many earlier times forecasts are tried. */
const mostOrigins = 8;
/** Which share of the series is history alone, and how much of it is tried ahead at most. */
const [leastHistory, mostAhead] = [0.4, 0.4];
/** A step's error is taken over the steps from a so many times smaller one to a so many times greater one. */
const breadth = 1.5;

/**
 * Tries the plain forecasts from earlier times on: what they erred by is the best hint of what they will.
 */
export function backtest(values: Float64Array, period: number, horizon: number): Backtest {
  const { length } = values;
  const earliest = Math.max(2, Math.ceil(leastHistory * length), Math.min(2 * period, Math.floor(0.75 * length)));
  const furthest = Math.max(0, Math.min(horizon, Math.floor(mostAhead * length), length - earliest));
  const errors = baselineNames.map(() => new Float64Array(furthest + 1));
  const misses = baselineNames.map(() => new Float64Array(furthest + 1));
  const counts = new Float64Array(furthest + 1);
  const origins = Math.min(mostOrigins, length - earliest);
  for (let k = 0; k < origins; k++) {
    const origin = earliest + Math.floor((k * (length - earliest)) / origins);
    const ahead = Math.min(furthest, length - origin);
    const truth = values.subarray(origin, origin + ahead);
    for (let i = 0; i < ahead; i++) counts[i + 1] = (counts[i + 1] ?? NaN) + 1;
    plainForecasts(values.subarray(0, origin), period, ahead).forEach((forecast, b) => {
      const [ofErrors, ofMisses] = [at(errors, b), at(misses, b)];
      for (let i = 0; i < ahead; i++) {
        const miss = (truth[i] ?? NaN) - (forecast[i] ?? NaN);
        ofErrors[i + 1] = (ofErrors[i + 1] ?? NaN) + Math.abs(miss);
        ofMisses[i + 1] = (ofMisses[i + 1] ?? NaN) + miss;
      }
    });
  }
  for (const sums of [...errors, ...misses, counts]) accumulate(sums);
  const meanAbout = (step: number) => (sums: Float64Array) => {
    const high = Math.min(furthest, Math.ceil(step * breadth));
    const low = Math.min(Math.max(1, Math.floor(step / breadth)), Math.max(1, Math.floor(furthest / breadth)));
    const over = (totals: Float64Array) => at(totals, high) - at(totals, low - 1);
    return over(sums) / over(counts);
  };
  if (furthest === 0) {
    const only = naiveError(values, 1);
    return { furthest, errorsAt: () => baselineNames.map(() => only), missesAt: () => baselineNames.map(() => 0) };
  }
  return {
    furthest,
    errorsAt: (step) => errors.map(meanAbout(step)),
    missesAt: (step) => misses.map(meanAbout(step)),
  };
}

/** Makes of each entry the sum up to it. */
function accumulate(values: Float64Array): void {
  for (let i = 1; i < values.length; i++) values[i] = (values[i] ?? NaN) + (values[i - 1] ?? NaN);
}
