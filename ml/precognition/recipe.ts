import { areaUnderCurve, meanOf } from '../../domain/statistics.ts';
import { type Claim, expectedCalibrationError, quantileOf, shareOf } from '../figures.ts';
import type { Figure } from '../model.ts';
import { at } from '../sequence.ts';
import { compute, entry, type NamedTensors, rowsOf, stackRows, tensorOf, toLive } from '../tensors.ts';
import type { MeasureOptions, Recipe } from '../training/recipe.ts';
import { band, levels, partCount, probabilityBelow, quantilesOf, type Quantity, rowLength } from './distribution.ts';
import { readSeries } from './encode.ts';
import { exampleOf, simulateExamples, stepsPerSeries } from './examples.ts';
import { type SeriesKind, simulateSession } from './generator.ts';
import { precognition } from './model.ts';
import { forecastParts, initialForecastWeights, pinballLoss } from './network.ts';

/**
 * By what every distance between quantiles is multiplied, so that on series that training did not see each quantile has
 * its share of the truth below it (split conformal prediction, Vovk et al. 2005, a quantile at a time).
 */
async function calibrationOf({ runtime: { tf }, weights, random, sessions }: MeasureOptions): Promise<Float32Array> {
  const simulated = simulateExamples(random, sessions);
  const live = toLive(tf, weights);
  const answer = await compute(tf, simulated, (inputs) => ({ parts: forecastParts(tf, live, inputs) }));
  tf.dispose(live);
  const rows = rowsOf(entry(answer, 'parts'));
  const truth = rowsOf(entry(simulated, 'truth'));
  const factors = new Float32Array(rowLength).fill(1);
  const middle = (partCount - 1) / 2;
  for (let start = 0; start < rowLength; start += partCount) {
    for (const side of [-1, 1]) {
      const reached = rows.map((row) => at(row, start));
      for (let distance = 1; distance <= middle; distance++) {
        const part = start + (side < 0 ? distance : middle + distance);
        const needed = rows.map((row, i) => {
          const beyond = side * (at(at(truth, i), start / partCount) - at(reached, i));
          return beyond / Math.max(1e-6, at(row, part));
        });
        const within = side < 0 ? 1 - at(levels, middle - distance) : at(levels, middle + distance);
        const factor = Math.max(0.05, quantileOf(needed, within));
        factors[part] = factor;
        rows.forEach((row, i) => {
          reached[i] = at(reached, i) + side * factor * at(row, part);
        });
      }
    }
  }
  return factors;
}

/** The mean over the steps of each simulated series. */
function seriesMeans(ofSteps: readonly number[]): number[] {
  return Array.from({ length: ofSteps.length / stepsPerSeries }, (_, i) =>
    meanOf(ofSteps.slice(i * stepsPerSeries, (i + 1) * stepsPerSeries)),
  );
}

/** The geometric mean over series of one error relative to another (Fildes 1992), which no single series rules. */
function relativeError(errors: readonly number[], others: readonly number[]): number {
  return Math.exp(meanOf(errors.map((error, i) => Math.log((error + leastMiss) / (at(others, i) + leastMiss)))));
}
/** In naive errors: what is smaller counts as nothing. */
const leastMiss = 0.01;

/** Forecasts of simulated series beside what came, in units. */
async function judged({ runtime, weights, random, sessions }: MeasureOptions, kind?: SeriesKind) {
  const simulated = simulateExamples(random, sessions, kind);
  const [answer = {}] = await precognition.load(runtime, weights)([simulated]);
  const rows = rowsOf(entry(answer, 'parts'));
  const truth = rowsOf(entry(simulated, 'truth'));
  const plain = rowsOf(entry(simulated, 'plain'));
  const units = entry(simulated, 'unit').values;
  const values = rows.map((row) => quantilesOf(row, 'value'));
  const missOf = (forecastAt: (i: number) => number) =>
    seriesMeans(rows.map((_, i) => Math.abs(forecastAt(i) - at(at(truth, i), 0)) * at(units, i)));
  const miss = missOf((i) => at(at(values, i), band.q50));
  const claims = (quantity: Quantity, column: number, thresholdAt: (i: number) => number): Claim[] =>
    rows.map((row, i) => {
      const threshold = thresholdAt(i);
      return {
        probability: 1 - probabilityBelow(quantilesOf(row, quantity), threshold),
        right: at(at(truth, i), column) > threshold,
      };
    });
  const thresholds = rows.map(() => random.normal(0, 2));
  return {
    toLast: relativeError(
      miss,
      missOf((i) => at(at(plain, i), 0)),
    ),
    toSeasonal: relativeError(
      miss,
      missOf((i) => at(at(plain, i), 1)),
    ),
    cover: shareOf(values, (quantiles, i) => {
      const came = at(at(truth, i), 0);
      return came >= at(quantiles, band.q10) && came <= at(quantiles, band.q90);
    }),
    rise: claims('value', 0, () => 0),
    atEnd: claims('value', 0, (i) => at(thresholds, i)),
    within: claims('highest', 1, (i) => Math.abs(at(thresholds, i))),
  };
}

/** The side that is named, with how sure it is: as confidence says it. */
function sided({ probability, right }: Claim): Claim {
  return { probability: Math.max(probability, 1 - probability), right: right === probability > 0.5 };
}

async function evaluate(options: MeasureOptions): Promise<Figure[]> {
  const all = await judged(options);
  const walk = await judged(options, 'walk');
  const coin = { chance: 0.5, chanceIs: 'a coin toss' };
  const perfect = { chance: 0, chanceIs: 'perfect calibration' };
  const claimed = { chance: 0.8, chanceIs: 'what is claimed' };
  return [
    { name: 'error / seasonal naive', value: all.toSeasonal, chance: 1, chanceIs: 'seasonal naive' },
    { name: 'error / last value', value: all.toLast, chance: 1, chanceIs: 'the last value' },
    { name: 'cover of the band from q10 to q90', value: all.cover, ...claimed },
    { name: 'rise or fall: area under the curve', value: areaUnderCurve(all.rise), ...coin },
    { name: 'confidence: calibration error', value: expectedCalibrationError(all.rise.map(sided)), ...perfect },
    { name: 'event at the end: area under the curve', value: areaUnderCurve(all.atEnd), ...coin },
    { name: 'event at the end: calibration error', value: expectedCalibrationError(all.atEnd), ...perfect },
    { name: 'event within: area under the curve', value: areaUnderCurve(all.within), ...coin },
    { name: 'event within: calibration error', value: expectedCalibrationError(all.within), ...perfect },
    {
      name: 'no signal (random walk): error / last value',
      value: walk.toLast,
      chance: 1,
      chanceIs: 'the last value, the best there is',
    },
    { name: 'no signal (random walk): rise or fall, area under the curve', value: areaUnderCurve(walk.rise), ...coin },
    { name: 'no signal (random walk): cover of the band', value: walk.cover, ...claimed },
  ];
}

export const precognitionRecipe: Recipe<'precognition'> = {
  model: precognition,
  version: '2.0.0',
  specifiedSessions: 200_000,
  epochs: 8,
  networks: {
    forecast: {
      batchSize: 1024,
      learningRate: 2e-3,
      initial: initialForecastWeights,
      loss: (tf, weights, batch) => pinballLoss(tf, forecastParts(tf, weights, batch), entry(batch, 'truth')),
    },
  },
  simulate: ({ random, sessions }) => Promise.resolve({ forecast: simulateExamples(random, sessions) }),
  learnFrom({ impressions, outcome }) {
    const examples = impressions.series.flatMap((one): NamedTensors[] => {
      const came = outcome.series.find(({ name }) => name === one.name)?.values ?? [];
      const missing = came.indexOf(null);
      const future = (missing < 0 ? came : came.slice(0, missing)).slice(0, impressions.horizon).map(Number);
      const steps = future.map((_, i) => i + 1);
      return steps.length > 0 ? [exampleOf(readSeries(one), future, impressions.horizon, steps)] : [];
    });
    return Promise.resolve(examples.length > 0 ? { forecast: stackRows(examples) } : null);
  },
  session: (random) => ({ impressions: simulateSession(random) }),
  async calibrate(options) {
    return { ...options.weights, calibration: tensorOf([1, rowLength], await calibrationOf(options)) };
  },
  evaluate,
  decisive: { figure: 'error / seasonal naive', better: 'lower' },
};
