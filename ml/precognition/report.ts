import { at } from '../sequence.ts';
import type { PrecognitionImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { meanOf } from '../figures.ts';
import type { ModelStamp } from '../model.ts';
import { entry, firstRow, type NamedTensors, rowsOf } from '../tensors.ts';
import { findPeriod, scaleOf } from './baselines.ts';
import { evenOut } from './rhythm.ts';

/** Standard deviations between the 10% and the 90% quantile of a normal distribution. */
const deviationsBetween = 2.5631;

/** The probability that a normal deviate lies below z (Abramowitz and Stegun 26.2.17; its error is below 1e-7). */
export function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) * t;
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z < 0 ? tail : 1 - tail;
}

/** How sure it is that a series ends above where it stands now, from quantiles in scales around the last value. */
export function probabilityOfRise(quantiles: ArrayLike<number>, sharpness: number): number {
  const [low = 0, middle = 0, high = 0] = Array.from(quantiles);
  const deviation = Math.max((high - low) / deviationsBetween, 1e-9);
  return normalBelow((sharpness * middle) / deviation);
}

/** How far a person's own forecast lies from the model's middle, as a mean over the steps in the series' own scale. */
function divergenceOf(own: readonly number[], middle: readonly number[], scale: number): number {
  return meanOf(own.map((value, i) => Math.abs(value - (middle[i] ?? value)) / scale));
}

export function report(impressions: PrecognitionImpressions, outputs: NamedTensors, model: ModelStamp): ModelResult {
  const { horizon, forecast = [] } = impressions;
  const rows = rowsOf(entry(outputs, 'quantiles'));
  const [sharpness = 1, cover = 0.8] = firstRow(entry(outputs, 'calibration'));
  const series = impressions.series.map((one, s) => {
    const { values, timeAhead } = evenOut(one);
    const period = findPeriod(values);
    const scale = scaleOf(values, period);
    const seasonalNaive = Array.from({ length: horizon }, (_, i) => at(values.slice(-period), i % period));
    const last = values.at(-1) ?? 0;
    const ofSeries = rows.slice(s * horizon, (s + 1) * horizon);
    const [q10 = [], q50 = [], q90 = []] = [0, 1, 2].map((i) => ofSeries.map((row) => last + scale * at(row, i)));
    const rise = probabilityOfRise(ofSeries.at(-1) ?? [], sharpness);
    const times = Array.from({ length: horizon }, (_, i) => timeAhead(i + 1));
    const own = forecast.find(({ name }) => name === one.name)?.values;
    const beside = own === undefined ? {} : { own, divergence: divergenceOf(own, q50, scale) };
    return { rise, data: { name: one.name, times, q10, q50, q90, seasonalNaive, naiveError: scale, ...beside } };
  });
  const [first] = series;
  if (first === undefined) throw new RangeError('A forecast without a series');
  const confidence = meanOf(series.map(({ rise }) => Math.max(rise, 1 - rise)));
  const direction = first.rise >= 0.5 ? 'above' : 'below';
  return {
    resultType: 'precognition.forecast',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: 0.5, meaning: 'A coin toss on whether a series ends above or below its last value.' },
      summary:
        `"${first.data.name}" is expected to end ${direction} its last value ` +
        `(${(100 * Math.max(first.rise, 1 - first.rise)).toFixed(0)}%), near ${shortNumber(first.data.q50.at(-1) ?? 0)}; ` +
        `the band from q10 to q90 held ${(100 * cover).toFixed(0)}% of what came in simulated series.`,
      limits:
        "It continues the history that was given and knows nothing of the world; a forecast of one's own is shown beside it, not judged.",
      series: series.map(({ data }) => data),
    },
  };
}

function shortNumber(value: number): string {
  return Number(value.toPrecision(4)).toString();
}
