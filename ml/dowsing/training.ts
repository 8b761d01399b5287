import { at } from '../sequence.ts';
import {
  areaUnderCurve,
  findRescaling,
  rescale,
  type Claim,
  expectedCalibrationError,
  meanOf,
  medianOf,
  shareOf,
} from '../figures.ts';
import { fit } from '../fit.ts';
import type { EvaluationOptions, Figure, Trainer, TrainingOptions } from '../model.ts';
import { Random } from '../random.ts';
import {
  compute,
  entry,
  firstRow,
  type NamedTensors,
  rowsOf,
  stackRows,
  tensorOf,
  type Tf,
  toLive,
} from '../tensors.ts';
import { type Answer, answerLogits, answers, encodeAnswer, initialAnswerWeights, predictAnswer } from './answer.ts';
import { simulateAnswer, simulateSearch, type SimulatedSearch } from './generator.ts';
import { cellsPerSide, gridOf } from './grid.ts';
import {
  areaHolding,
  bestShare,
  cellProbabilities,
  encodeLocation,
  initialLocationWeights,
  predictLocation,
  probabilityWithin,
  rankCells,
} from './location.ts';

const cellCount = cellsPerSide * cellsPerSide;

function simulateAnswers(random: Random, count: number, signal?: number): NamedTensors {
  return stackRows(
    Array.from({ length: count }, () => {
      const truth: Answer = random.pick(signal === undefined ? answers : ['yes', 'no']);
      const { impressions } = simulateAnswer(random, truth, signal ?? (truth === 'unclear' ? 0 : random.uniform()));
      const labels = tensorOf(
        [1, answers.length],
        answers.map((name) => (name === truth ? 1 : 0)),
      );
      return { ...encodeAnswer(impressions, 0), labels };
    }),
  );
}

function cellOf([x, y]: SimulatedSearch['target']): number {
  const at = (value: number) => Math.min(cellsPerSide - 1, Math.floor(value * cellsPerSide));
  return at(y) * cellsPerSide + at(x);
}

/** Every fifth search has no signal at all. */
function anySignal(random: Random): number {
  return random.chance(0.2) ? 0 : random.uniform();
}

function simulateSearches(random: Random, count: number): NamedTensors {
  return stackRows(
    Array.from({ length: count }, () => {
      const { impressions, target } = simulateSearch(random, anySignal(random));
      return { ...encodeLocation(impressions), cell: tensorOf([1, 1], [cellOf(target)]) };
    }),
  );
}

async function train({ tf, seed, sessions, progress }: TrainingOptions): Promise<NamedTensors> {
  progress(`simulating ${sessions} answers`);
  const answerWeights = await fit({
    tf,
    seed: seed + 1,
    progress,
    initial: initialAnswerWeights(new Random(seed + 2)),
    examples: simulateAnswers(new Random(seed), sessions),
    epochs: 15,
    batchSize: 128,
    loss: (weights, batch) =>
      tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), answerLogits(tf, weights, entry(batch, 'features'))),
  });
  const searches = Math.ceil(sessions / 5);
  progress(`simulating ${searches} searches`);
  const locationWeights = await fit({
    tf,
    seed: seed + 3,
    progress,
    initial: initialLocationWeights(new Random(seed + 4)),
    examples: simulateSearches(new Random(seed + 5), searches),
    epochs: 10,
    learningRate: 1e-2,
    loss: (weights, batch) => {
      const cells = cellProbabilities(tf, weights, batch);
      const truth = tf.oneHot(tf.cast(tf.reshape(entry(batch, 'cell'), [-1]), 'int32'), cellCount);
      return tf.neg(tf.mean(tf.log(tf.sum(tf.mul(cells, truth), 1))));
    },
  });
  progress('calibrating');
  const found = { ...answerWeights, ...locationWeights, 'location/calibration': tensorOf([2], [1, 0]) };
  const judged = await judgeSearches(tf, found, new Random(seed + 6), undefined, Math.min(3_000, searches));
  const scaling = findRescaling(
    judged.map(({ claimed, inBestShare }) => ({ probability: claimed, right: inBestShare })),
  );
  return { ...found, 'location/calibration': tensorOf([2], scaling) };
}

async function evaluateAnswers({ tf, weights, seed, sessions }: EvaluationOptions): Promise<Figure[]> {
  const live = toLive(tf, weights);
  const claimsOn = async (random: Random, signal?: number) => {
    const simulated = simulateAnswers(random, sessions, signal);
    const outputs = await compute(tf, simulated, (inputs) => predictAnswer(tf, live, inputs));
    const labels = rowsOf(entry(simulated, 'labels'));
    return rowsOf(entry(outputs, 'answers')).map(([yes = 0, no = 0, unclear = 0], i) => ({
      yes,
      no,
      unclear,
      label: labels[i] ?? [],
    }));
  };
  const [mixed, middle, none] = [
    await claimsOn(new Random(seed)),
    await claimsOn(new Random(seed + 1), 0.5),
    await claimsOn(new Random(seed + 2), 0),
  ];
  tf.dispose(live);
  const yesOrNo = (said: typeof mixed): Claim[] =>
    said.map(({ yes, no, label }) => ({ probability: yes / (yes + no), right: label[0] === 1 }));
  const headlines = mixed.map(({ yes, no, unclear, label }) => {
    const said = [yes, no, unclear];
    const probability = Math.max(...said);
    return { probability, right: label[said.indexOf(probability)] === 1 };
  });
  const onlyAnswers = mixed.filter(({ label }) => label[2] !== 1);
  const chance = { chance: 0.5, chanceIs: 'a coin toss' };
  return [
    { name: 'answer: area under the curve, any signal', value: areaUnderCurve(yesOrNo(onlyAnswers)), ...chance },
    { name: 'answer: area under the curve, signal 0.5', value: areaUnderCurve(yesOrNo(middle)), ...chance },
    { name: 'answer: area under the curve, no signal', value: areaUnderCurve(yesOrNo(none)), ...chance },
    {
      name: 'answer: right of yes, no and unclear',
      value: shareOf(headlines, ({ right }) => right),
      chance: 1 / 3,
      chanceIs: 'one of three',
    },
    {
      name: 'answer: calibration error',
      value: expectedCalibrationError(headlines),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
  ];
}

interface JudgedSearch {
  errorKm: number;
  centreErrorKm: number;
  within50: boolean;
  within90: boolean;
  inBestShare: boolean;
  claimed: number;
}

async function judgeSearches(
  tf: Tf,
  weights: NamedTensors,
  random: Random,
  signal: number | undefined,
  count: number,
): Promise<JudgedSearch[]> {
  const searches = Array.from({ length: count }, () => simulateSearch(random, signal ?? anySignal(random)));
  const inputs = stackRows(searches.map(({ impressions }) => encodeLocation(impressions)));
  const live = toLive(tf, weights);
  const outputs = await compute(tf, inputs, (session) => predictLocation(tf, live, session));
  tf.dispose(live);
  const rows = rowsOf(entry(outputs, 'cells'));
  return searches.map(({ impressions, target }, i) => {
    const grid = gridOf(impressions.region);
    const probabilities = Array.from(rows[i] ?? []);
    const ranked = rankCells(grid, probabilities);
    const distanceKm = ([x, y]: readonly [number, number]) =>
      Math.hypot((x - target[0]) * grid.widthKm, (y - target[1]) * grid.heightKm);
    const best = ranked[0] ?? { lon: 0, lat: 0 };
    const cell = cellOf(target);
    const density = at(probabilities, cell) / ((grid.rowShares[Math.floor(cell / cellsPerSide)] ?? 1) / cellsPerSide);
    const denser = ranked.filter((one) => one.density > density);
    const areaBefore = denser.reduce((sum, one) => sum + one.areaShare, 0);
    return {
      errorKm: distanceKm(grid.toUnit(best.lon, best.lat)),
      centreErrorKm: distanceKm([0.5, 0.5]),
      within50: areaBefore < areaHolding(ranked, 0.5),
      within90: areaBefore < areaHolding(ranked, 0.9),
      inBestShare: areaBefore < bestShare,
      claimed: rescale(probabilityWithin(ranked, bestShare), firstRow(entry(outputs, 'calibration'))),
    };
  });
}

async function evaluateSearches({ tf, weights, seed, sessions }: EvaluationOptions): Promise<Figure[]> {
  const figures = async (signal: number | undefined, at: string): Promise<Figure[]> => {
    const judged = await judgeSearches(tf, weights, new Random(seed + 10), signal, sessions);
    const relative = judged.map(({ errorKm, centreErrorKm }) => [errorKm, centreErrorKm] as const);
    const diagonal = medianOf(relative.map(([error, centre]) => error / Math.max(centre, 1e-9)));
    return [
      {
        name: `location: median of error / that of the centre, ${at}`,
        value: diagonal,
        chance: 1,
        chanceIs: "the region's centre",
      },
      {
        name: `location: target in the best tenth, ${at}`,
        value: shareOf(judged, ({ inBestShare }) => inBestShare),
        chance: bestShare,
        chanceIs: 'a tenth of the region',
      },
      {
        name: `location: the same as claimed, ${at}`,
        value: meanOf(judged.map(({ claimed }) => claimed)),
        chance: bestShare,
        chanceIs: 'a tenth of the region',
      },
      {
        name: `location: target in the 50% region, ${at}`,
        value: shareOf(judged, ({ within50 }) => within50),
        chance: 0.5,
        chanceIs: 'what is claimed',
      },
      {
        name: `location: target in the 90% region, ${at}`,
        value: shareOf(judged, ({ within90 }) => within90),
        chance: 0.9,
        chanceIs: 'what is claimed',
      },
    ];
  };
  return [...(await figures(undefined, 'any signal')), ...(await figures(0, 'no signal'))];
}

export const dowsingTrainer: Trainer = {
  sessionType: 'dowsing',
  version: '1.0.0',
  defaultSessions: 30_000,
  train,
  async evaluate(options) {
    return [...(await evaluateAnswers(options)), ...(await evaluateSearches(options))];
  },
};
