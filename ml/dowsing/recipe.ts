import type { DowsingAnswerImpressions, DowsingLocationImpressions } from '../../domain/impressions.ts';
import { bestShare } from '../../domain/scoring.ts';
import { areaUnderCurve, meanOf } from '../../domain/statistics.ts';
import { expectedCalibrationError, medianOf, quantileOf, shareOf } from '../figures.ts';
import type { Figure } from '../model.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, type NamedTensors, stackRows, tensorOf } from '../tensors.ts';
import type { MeasureOptions, Recipe } from '../training/recipe.ts';
import {
  type Answer,
  answerLogits,
  answers,
  encodeAnswer,
  headlineOf,
  initialAnswerWeights,
  intervalCover,
  intervalOf,
  type Reading,
  readingOf,
} from './answer.ts';
import { type Place, type SimulatedAnswer, simulateAnswer, type SimulatedSearch, simulateSearch } from './generator.ts';
import { cellCount, cellOf, gridOf } from './grid.ts';
import {
  areaHolding,
  cautionFor,
  componentCount,
  componentLogits,
  encodeLocation,
  initialLocationWeights,
  probabilityWithin,
  rankCells,
} from './location.ts';
import { dowsing } from './model.ts';

/** So many of all sessions are searches; the others ask for an answer. */
const shareOfSearches = 0.2;

/** An answer of any signal: yes, no and unclear come equally often; of one signal, yes and no alone. */
function anyAnswer(random: Random, signal?: number): SimulatedAnswer {
  const truth: Answer = random.pick(signal === undefined ? answers : (['yes', 'no'] as const));
  return simulateAnswer(random, truth, signal ?? (truth === 'unclear' ? 0 : random.uniform()));
}

/**
 * Which share of searches has no signal at all: in training few, so that much is learned of the others; in what the
 * model takes for granted nearly all, so that it claims nothing in noise. Where more searches than one in ten have a
 * signal, it claims less than it could.
 */
const withoutSignal = { trained: 0.25, assumed: 0.9 };

function anySearch(random: Random, without: number = withoutSignal.trained): SimulatedSearch {
  return simulateSearch(random, random.chance(without) ? 0 : random.uniform());
}

function answerExample(impressions: DowsingAnswerImpressions, truth: Answer): NamedTensors {
  const labels = answers.map((name) => (name === truth ? 1 : 0));
  return { ...encodeAnswer(impressions, 0), labels: tensorOf([1, answers.length], labels) };
}

/** What the network needs of a search to learn from it: how much each component holds of the cell that was right. */
function locationExample(impressions: DowsingLocationImpressions, [x, y]: Place): NamedTensors {
  const inputs = encodeLocation(impressions);
  const cells = entry(inputs, 'cells').values;
  const held = Array.from({ length: componentCount }, (_, i) => at(cells, i * cellCount + cellOf(x, y)));
  return {
    evidence: entry(inputs, 'evidence'),
    facts: entry(inputs, 'facts'),
    held: tensorOf([1, componentCount], held),
  };
}

/** Simulates answers and has them read; each is recorded twice, and the second recording is read as well. */
async function readAnswers({ runtime, weights, random, sessions }: MeasureOptions, signal?: number) {
  const predict = dowsing.load(runtime, weights);
  const simulated = Array.from({ length: sessions }, () => anyAnswer(random, signal));
  const read = async () => {
    const outputs = await predict(simulated.map(({ recorded }) => encodeAnswer(recorded())));
    return outputs.map(readingOf);
  };
  const [first, second] = [await read(), await read()];
  return simulated.map(({ truth }, i) => ({ truth, reading: at(first, i), again: at(second, i) }));
}

/** How many spreads the interval must reach to hold the second reading as often as it claims. */
function spreadsNeeded(read: readonly { reading: Reading; again: Reading }[]): number {
  const reaches = read.map(({ reading, again }) => Math.abs(again.logOdds - reading.logOdds) / reading.spread);
  return quantileOf(reaches, intervalCover);
}

async function evaluateAnswers(options: MeasureOptions): Promise<Figure[]> {
  const [mixed, middle, none] = [
    await readAnswers(options),
    await readAnswers(options, 0.5),
    await readAnswers(options, 0),
  ];
  type Read = typeof mixed;
  const curve = (read: Read) =>
    areaUnderCurve(
      read
        .filter(({ truth }) => truth !== 'unclear')
        .map(({ truth, reading: { yes, no } }) => ({ probability: yes / (yes + no), right: truth === 'yes' })),
    );
  const spreads = at(entry(options.weights, 'answer/spreads').values, 0);
  const held = (read: Read) =>
    shareOf(read, ({ reading, again }) => {
      const [low, high] = intervalOf(reading, spreads);
      return again.yes >= low && again.yes <= high;
    });
  const width = (read: Read) =>
    meanOf(
      read.map(({ reading }) => {
        const [low, high] = intervalOf(reading, spreads);
        return high - low;
      }),
    );
  const toss = { chance: 0.5, chanceIs: 'a coin toss' };
  const claimed = { chance: intervalCover, chanceIs: 'what is claimed' };
  return [
    { name: decisive, value: curve(mixed), ...toss },
    { name: 'answer: area under the curve, signal 0.5', value: curve(middle), ...toss },
    { name: 'answer: area under the curve, no signal', value: curve(none), ...toss },
    {
      name: 'answer: calibration error of P(yes)',
      value: expectedCalibrationError(
        mixed.map(({ truth, reading }) => ({ probability: reading.yes, right: truth === 'yes' })),
      ),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
    {
      name: 'answer: right of yes, no and unclear',
      value: shareOf(mixed, ({ truth, reading }) => headlineOf(reading) === truth),
      chance: 1 / 3,
      chanceIs: 'one of three',
    },
    {
      name: 'answer: read as unclear where nothing is shown',
      value: shareOf(none, ({ reading }) => headlineOf(reading) === 'unclear'),
      chance: 1 / 3,
      chanceIs: 'one of three',
    },
    { name: 'answer: interval holds the swing recorded again, any signal', value: held(mixed), ...claimed },
    { name: 'answer: interval holds the swing recorded again, no signal', value: held(none), ...claimed },
    {
      name: 'answer: mean width of the interval, any signal',
      value: width(mixed),
      chance: 1,
      chanceIs: 'everything from 0 to 1',
    },
  ];
}

type SearchOf = (random: Random) => SimulatedSearch;

/** Simulates searches, has them read, and holds what was claimed against where the target lies. */
async function judgeSearches({ runtime, weights, random, sessions }: MeasureOptions, searchOf: SearchOf) {
  const predict = dowsing.load(runtime, weights);
  const judged: ReturnType<typeof judge>[] = [];
  while (judged.length < sessions) {
    const searches = Array.from({ length: Math.min(500, sessions - judged.length) }, () => searchOf(random));
    const outputs = await predict(searches.map(({ impressions }) => encodeLocation(impressions)));
    judged.push(...searches.map((search, i) => judge(search, at(outputs, i))));
  }
  return judged;
}

function judge({ impressions, target }: SimulatedSearch, outputs: NamedTensors) {
  const grid = gridOf(impressions.region);
  const ranked = rankCells(grid, firstRow(entry(outputs, 'cells')));
  const diagonalKm = Math.hypot(grid.widthKm, grid.heightKm);
  const errorOf = ([x, y]: Place) =>
    Math.hypot((x - target[0]) * grid.widthKm, (y - target[1]) * grid.heightKm) / diagonalKm;
  const best = at(ranked, 0);
  const right = cellOf(...target);
  const rank = ranked.findIndex(({ cell }) => cell === right);
  // Where in its own cell the target lies is open, so half of that cell counts.
  const areaUpTo = ranked
    .slice(0, rank)
    .reduce((sum, { areaShare }) => sum + areaShare, at(ranked, rank).areaShare / 2);
  return {
    error: errorOf(grid.toUnit(best.lon, best.lat)),
    centreError: errorOf([0.5, 0.5]),
    within50: areaUpTo < areaHolding(ranked, 0.5),
    within90: areaUpTo < areaHolding(ranked, 0.9),
    inBestShare: areaUpTo < bestShare,
    claimed: probabilityWithin(ranked, bestShare),
  };
}

async function evaluateSearches(options: MeasureOptions): Promise<Figure[]> {
  const figures = async (of: string, searchOf: SearchOf): Promise<Figure[]> => {
    const judged = await judgeSearches(options, searchOf);
    const centre = { chance: 1, chanceIs: "the region's centre" };
    const tenth = { chance: bestShare, chanceIs: 'a tenth of the region' };
    const claimed = (chance: number) => ({ chance, chanceIs: 'what is claimed' });
    return [
      {
        name: `location: median error / that of the centre, ${of}`,
        value: medianOf(judged.map(({ error }) => error)) / medianOf(judged.map(({ centreError }) => centreError)),
        ...centre,
      },
      {
        name: `location: target in the best tenth, ${of}`,
        value: shareOf(judged, ({ inBestShare }) => inBestShare),
        ...tenth,
      },
      {
        name: `location: the same as claimed, ${of}`,
        value: meanOf(judged.map((search) => search.claimed)),
        ...tenth,
      },
      {
        name: `location: target in the 50% region, ${of}`,
        value: shareOf(judged, ({ within50 }) => within50),
        ...claimed(0.5),
      },
      {
        name: `location: target in the 90% region, ${of}`,
        value: shareOf(judged, ({ within90 }) => within90),
        ...claimed(0.9),
      },
    ];
  };
  const assumed = await judgeSearches(options, (random) => anySearch(random, withoutSignal.assumed));
  return [
    ...(await figures('any signal', (random) => anySearch(random))),
    ...(await figures('no signal', (random) => simulateSearch(random, 0))),
    {
      name: 'location: calibration error of the best tenth, nine of ten searches without signal',
      value: expectedCalibrationError(
        assumed.map(({ claimed, inBestShare }) => ({ probability: claimed, right: inBestShare })),
      ),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
  ];
}

const decisive = 'answer: area under the curve, any signal';

export const dowsingRecipe: Recipe<'dowsing'> = {
  model: dowsing,
  version: '2.0.0',
  specifiedSessions: 1_000_000,
  epochs: 12,
  networks: {
    answer: {
      batchSize: 512,
      learningRate: 4e-3,
      initial: initialAnswerWeights,
      loss: (tf, weights, batch) =>
        tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), answerLogits(tf, weights, entry(batch, 'features'))),
    },
    location: {
      batchSize: 512,
      learningRate: 4e-3,
      initial: initialLocationWeights,
      loss: (tf, weights, batch) => {
        const held = tf.sum(tf.mul(tf.softmax(componentLogits(tf, weights, batch)), entry(batch, 'held')), 1);
        return tf.neg(tf.mean(tf.log(tf.add(held, 1e-9))));
      },
    },
  },
  simulate({ random, sessions }) {
    const searches = Math.round(sessions * shareOfSearches);
    const answer = stackRows(
      Array.from({ length: sessions - searches }, () => {
        const { recorded, truth } = anyAnswer(random);
        return answerExample(recorded(), truth);
      }),
    );
    const location = stackRows(
      Array.from({ length: searches }, () => {
        const { impressions, target } = anySearch(random);
        return locationExample(impressions, target);
      }),
    );
    return Promise.resolve({ answer, location });
  },
  learnFrom({ impressions, outcome }) {
    if ('trace' in impressions) {
      return Promise.resolve('answer' in outcome ? { answer: answerExample(impressions, outcome.answer) } : null);
    }
    if ('answer' in outcome) return Promise.resolve(null);
    const [x, y] = gridOf(impressions.region).toUnit(outcome.location.lon, outcome.location.lat);
    const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    return Promise.resolve(inside ? { location: locationExample(impressions, [x, y]) } : null);
  },
  session(random) {
    return random.chance(shareOfSearches)
      ? { impressions: anySearch(random).impressions }
      : { impressions: anyAnswer(random).recorded() };
  },
  async calibrate(options) {
    const caution = cautionFor(withoutSignal);
    const weights = { ...options.weights, 'location/caution': caution, 'answer/spreads': tensorOf([1, 1], [1]) };
    const read = await readAnswers({ ...options, weights });
    return { ...weights, 'answer/spreads': tensorOf([1, 1], [spreadsNeeded(read)]) };
  },
  async evaluate(options) {
    return [...(await evaluateAnswers(options)), ...(await evaluateSearches(options))];
  },
  decisive: { figure: decisive, better: 'higher' },
};
