import type { Runtime } from '../backend.ts';
import { meanOf } from '../../domain/statistics.ts';
import type { Predict } from '../model.ts';
import { at } from '../sequence.ts';
import { precognition } from './model.ts';
import type { RealSeries } from './realSeries.ts';

/** How forecasts of one series did, pooled over all steps from all origins. */
export interface SeriesJudgement {
  readonly table: string;
  readonly name: string;
  readonly origins: number;
  readonly horizon: number;
  /** Mean absolute errors: of the model, of the values one natural season before, of the last value. */
  readonly error: number;
  readonly seasonalError: number;
  readonly lastError: number;
  /** That of the baseline that the result itself holds, whose season is found in the history. */
  readonly foundError: number;
  /** The share of what came that lay in the band from q10 to q90. */
  readonly cover: number;
}

const mostOrigins = 4;

/**
 * Forecasts the end of a series from several times before it, one horizon apart, each with what was known then: one
 * natural season ahead, or twelve steps where that is shorter. Every forecast goes the way a session goes.
 */
async function judgeSeries(one: RealSeries, runtime: Runtime, predict: Predict): Promise<SeriesJudgement | null> {
  const { table, name, season, times, values } = one;
  const horizon = Math.max(12, season);
  const sums = { error: 0, seasonalError: 0, lastError: 0, foundError: 0, cover: 0 };
  let origins = 0;
  for (let k = 1; k <= mostOrigins; k++) {
    const known = values.length - k * horizon;
    if (known < Math.max(24, 2 * season)) break;
    origins += 1;
    const past = values.slice(0, known);
    const impressions = { series: [{ name, times: times.slice(0, known), values: past }], horizon };
    const inputs = precognition.encode({ impressions }, runtime);
    const outputs = at(await predict([inputs]), 0);
    const model = { name: 'precognition', version: '', backend: runtime.backend };
    const result = at(precognition.report({ input: { impressions }, inputs, outputs, model }), 0);
    if (result.resultType !== 'precognition.forecast') throw new Error('A forecast was expected');
    const { q10, q50, q90, seasonalNaive } = at(result.data.series, 0);
    values.slice(known, known + horizon).forEach((came, i) => {
      sums.error += Math.abs(came - at(q50, i));
      sums.seasonalError += Math.abs(came - at(past, known - season + (i % season)));
      sums.lastError += Math.abs(came - at(past, known - 1));
      sums.foundError += Math.abs(came - at(seasonalNaive, i));
      sums.cover += came >= at(q10, i) && came <= at(q90, i) ? 1 : 0;
    });
  }
  if (origins === 0) return null;
  const count = origins * horizon;
  return {
    table,
    name,
    origins,
    horizon,
    error: sums.error / count,
    seasonalError: sums.seasonalError / count,
    lastError: sums.lastError / count,
    foundError: sums.foundError / count,
    cover: sums.cover / count,
  };
}

/** The means over series, each series counting alike: relative to the seasonal-naive forecast, and the cover. */
export async function judgeAll(series: readonly RealSeries[], runtime: Runtime, predict: Predict) {
  const judged: SeriesJudgement[] = [];
  for (const one of series) {
    const judgement = await judgeSeries(one, runtime, predict);
    if (judgement !== null) judged.push(judgement);
  }
  return {
    judged,
    error: meanOf(judged.map(({ error, seasonalError }) => error / seasonalError)),
    cover: meanOf(judged.map(({ cover }) => cover)),
  };
}
