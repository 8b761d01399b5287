import { at } from '../sequence.ts';
import { areaUnderCurve, type Claim, expectedCalibrationError, meanOf, shareOf } from '../figures.ts';
import { fit } from '../fit.ts';
import type { EvaluationOptions, Figure, Trainer, TrainingOptions } from '../model.ts';
import { Random } from '../random.ts';
import { compute, entry, type NamedTensors, rowsOf, stackRows, tensorOf, type Tf, toLive } from '../tensors.ts';
import { findPeriod, scaleOf } from './baselines.ts';
import { type SeriesKind, simulateSeries } from './generator.ts';
import { encodeSeries, forecastQuantiles, initialForecastWeights, pinballLoss } from './network.ts';
import { probabilityOfRise } from './report.ts';

const longestHorizon = 24;
const stepsPerSeries = 6;

/** Series as the network sees them, some steps of each, with what came: `truth` [steps, 1] in scales around the last value. */
function simulateForecasts(random: Random, count: number, kind: SeriesKind): NamedTensors {
  return stackRows(
    Array.from({ length: count }, () => {
      const horizon = random.int(1, longestHorizon);
      const { history, future } = simulateSeries(random, kind, horizon);
      const steps = Array.from({ length: stepsPerSeries }, () => random.int(1, horizon));
      const scale = scaleOf(history, findPeriod(history));
      const last = history.at(-1) ?? 0;
      const truth = steps.map((step) => Math.max(-50, Math.min(50, ((future[step - 1] ?? last) - last) / scale)));
      return { ...encodeSeries(history, steps, horizon), truth: tensorOf([steps.length, 1], truth) };
    }),
  );
}

async function forecastAll(tf: Tf, weights: NamedTensors, inputs: NamedTensors): Promise<Float32Array[]> {
  const live = toLive(tf, weights);
  const outputs = await compute(tf, inputs, (session) => ({ quantiles: forecastQuantiles(tf, live, session) }));
  tf.dispose(live);
  return rowsOf(entry(outputs, 'quantiles'));
}

function truthOf(simulated: NamedTensors): number[] {
  return Array.from(entry(simulated, 'truth').values);
}

function riseClaims(quantiles: readonly Float32Array[], truth: readonly number[], sharpness: number): Claim[] {
  return quantiles.map((row, i) => ({ probability: probabilityOfRise(row, sharpness), right: at(truth, i) > 0 }));
}

function coverOf(quantiles: readonly Float32Array[], truth: readonly number[]): number {
  return shareOf(quantiles, ([low = 0, , high = 0], i) => at(truth, i) >= low && at(truth, i) <= high);
}

/** The sharpness at which claimed directions fit series that training did not see (by log loss), and the cover there. */
async function calibrate(
  tf: Tf,
  weights: NamedTensors,
  simulated: NamedTensors,
): Promise<[sharpness: number, cover: number]> {
  const quantiles = await forecastAll(tf, weights, simulated);
  const truth = truthOf(simulated);
  const lossAt = (sharpness: number) =>
    meanOf(
      riseClaims(quantiles, truth, sharpness).map(({ probability, right }) => {
        return -Math.log(Math.min(1, Math.max(1e-6, right ? probability : 1 - probability)));
      }),
    );
  const candidates = Array.from({ length: 40 }, (_, i) => 0.2 + i * 0.05);
  const sharpness = candidates.reduce((best, candidate) => (lossAt(candidate) < lossAt(best) ? candidate : best), 1);
  return [sharpness, coverOf(quantiles, truth)];
}

async function train({ tf, seed, sessions, progress }: TrainingOptions): Promise<NamedTensors> {
  progress(`simulating ${sessions} series`);
  const mixed = simulateForecasts(new Random(seed), Math.ceil(sessions * 0.85), 'mixed');
  const walks = simulateForecasts(new Random(seed + 1), Math.floor(sessions * 0.15), 'walk');
  const weights = await fit({
    tf,
    seed: seed + 2,
    progress,
    initial: initialForecastWeights(new Random(seed + 3)),
    examples: stackRows([mixed, walks]),
    epochs: 12,
    batchSize: 256,
    loss: (live, batch) => pinballLoss(tf, forecastQuantiles(tf, live, batch), entry(batch, 'truth')),
  });
  const calibration = await calibrate(
    tf,
    weights,
    simulateForecasts(new Random(seed + 4), Math.min(2_000, sessions), 'mixed'),
  );
  return { ...weights, calibration: tensorOf([2], calibration) };
}

async function judge({ tf, weights, sessions }: EvaluationOptions, random: Random, kind: SeriesKind) {
  const simulated = simulateForecasts(random, sessions, kind);
  const quantiles = await forecastAll(tf, weights, simulated);
  const truth = truthOf(simulated);
  const plain = rowsOf(entry(simulated, 'plain'));
  const errorOf = (forecasts: readonly number[]) => meanOf(forecasts.map((value, i) => Math.abs(value - at(truth, i))));
  const [sharpness = 1] = entry(weights, 'calibration').values;
  return {
    error: errorOf(quantiles.map(([, middle = 0]) => middle)),
    lastError: errorOf(plain.map(([last = 0]) => last)),
    seasonalError: errorOf(plain.map(([, seasonal = 0]) => seasonal)),
    cover: coverOf(quantiles, truth),
    rise: riseClaims(quantiles, truth, sharpness),
  };
}

export const precognitionTrainer: Trainer = {
  sessionType: 'precognition',
  version: '1.0.0',
  defaultSessions: 20_000,
  train,
  async evaluate(options): Promise<Figure[]> {
    const mixed = await judge(options, new Random(options.seed), 'mixed');
    const walk = await judge(options, new Random(options.seed + 1), 'walk');
    const sure = mixed.rise.map(({ probability, right }) => ({
      probability: Math.max(probability, 1 - probability),
      right: right === probability >= 0.5,
    }));
    return [
      { name: 'MASE', value: mixed.error, chance: mixed.seasonalError, chanceIs: 'seasonal naive on the same series' },
      {
        name: 'error / that of the seasonal-naive forecast',
        value: mixed.error / mixed.seasonalError,
        chance: 1,
        chanceIs: 'seasonal naive',
      },
      { name: 'cover of the band from q10 to q90', value: mixed.cover, chance: 0.8, chanceIs: 'what is claimed' },
      {
        name: 'rise or fall: area under the curve',
        value: areaUnderCurve(mixed.rise),
        chance: 0.5,
        chanceIs: 'a coin toss',
      },
      {
        name: 'rise or fall: calibration error',
        value: expectedCalibrationError(sure),
        chance: 0,
        chanceIs: 'perfect calibration',
      },
      {
        name: 'no signal (random walk): error / that of the last value',
        value: walk.error / walk.lastError,
        chance: 1,
        chanceIs: 'the last value, the best there is',
      },
      {
        name: 'no signal (random walk): rise or fall, area under the curve',
        value: areaUnderCurve(walk.rise),
        chance: 0.5,
        chanceIs: 'a coin toss',
      },
      {
        name: 'no signal (random walk): cover of the band',
        value: walk.cover,
        chance: 0.8,
        chanceIs: 'what is claimed',
      },
    ];
  },
};
