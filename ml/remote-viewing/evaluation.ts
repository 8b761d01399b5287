import { meanOf } from '../../domain/statistics.ts';
import { type Claim, expectedCalibrationError, shareOf } from '../figures.ts';
import type { Figure } from '../model.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, type LiveTensors, type Tf, toLive } from '../tensors.ts';
import type { MeasureOptions } from '../training/recipe.ts';
import { drawSketch, type Hand } from './drawings/hand.ts';
import { keptObjects, type ObjectName, objectNames } from './drawings/objects.ts';
import { paintGallery } from './gallery.ts';
import { anySignal } from './generator.ts';
import { descriptorNames, terrainNames } from './lexicon.ts';
import { type BaseRates, scorePool } from './match.ts';
import { baseOf, matchTensor } from './model.ts';
import { readSessions } from './network.ts';
import { rasterise } from './raster.ts';
import { handOf, type Judged, judgeSimulated } from './simulation.ts';

const poolSize = 5;

/** The signals that figures are measured at: without any, everything must come out at chance. */
export const signals = { clear: 0.9, middle: 0.5, none: 0 } as const;

export const decisiveFigure = `right target of ${poolSize} first, signal ${signals.middle}`;

/** Measures on words, targets and distortions that neither training nor calibration has. */
export async function evaluate({ runtime, weights, random, sessions }: MeasureOptions): Promise<Figure[]> {
  const base = baseOf(weights);
  const live = toLive(runtime.tf, weights);
  const ofSketches = await evaluateSketches(runtime.tf, live, random, sessions);
  runtime.tf.dispose(live);
  const judge = (signal: (random: Random) => number) =>
    judgeSimulated({ runtime, weights, base, random, part: 'test', signal, sessions, poolSize });
  const match = Array.from(entry(weights, matchTensor).values);
  const figures = [...ofSketches];
  for (const signal of Object.values(signals)) {
    figures.push(...evaluateSessions(await judge(() => signal), base, match, `signal ${signal}`));
  }
  figures.push(...evaluateCertainty(await judge(anySignal), match));
  return [...figures, ...(await evaluatePictures({ runtime, weights, random, sessions }, base, match))];
}

/** Pictures are measured on every fourth session, since comparisons take most of the time that measuring does. */
const fewerForPictures = 4;

/** How pools fare whose targets are shown instead of described, and whether a mixed pool is fair to both. */
async function evaluatePictures(
  { sessions: all, ...options }: MeasureOptions,
  base: BaseRates,
  match: readonly number[],
): Promise<Figure[]> {
  const part = 'test';
  const gallery = await paintGallery(options.random, handOf(part));
  const sessions = Math.ceil(all / fewerForPictures);
  const judge = (signal: (random: Random) => number, share: number) =>
    judgeSimulated({ ...options, base, part, signal, sessions, poolSize, pictures: { gallery, share } });
  const figures: Figure[] = [];
  for (const signal of Object.values(signals)) {
    figures.push(rightFirst('picture', await judge(() => signal, 1), match, `signal ${signal}`));
  }
  figures.push(claimError('picture', await judge(anySignal, 1), match));
  const mixed = await judge(() => signals.none, 0.5);
  const isShown = ({ shown, features }: Judged) => at(shown, indexOfHighest(scorePool(features, match)));
  figures.push({
    name: `pools of pictures and words: a picture first, signal ${signals.none}`,
    value: shareOf(mixed, isShown),
    chance: meanOf(mixed.flatMap(({ shown }) => shown.map(Number))),
    chanceIs: 'the share of pictures',
  });
  return figures;
}

function rightFirst(what: string, judged: readonly Judged[], match: readonly number[], where: string): Figure {
  return {
    name: `right ${what} of ${poolSize} first, ${where}`,
    value: meanOf(judged.map(({ features }) => firstShare(scorePool(features, match)))),
    chance: 1 / poolSize,
    chanceIs: `one of ${poolSize}`,
  };
}

function claimError(name: string, judged: readonly Judged[], match: readonly number[]): Figure {
  return calibrationError(
    name,
    judged.map(({ features }) => claimOf(scorePool(features, match), (best) => best === 0)),
  );
}

/** What is claimed of the likeliest one. */
function claimOf(row: ArrayLike<number>, isRight: (best: number) => boolean): Claim {
  const best = indexOfHighest(row);
  return { probability: at(row, best), right: isRight(best) };
}

function calibrationError(name: string, claims: readonly Claim[]): Figure {
  return {
    name: `calibration error: ${name}`,
    value: expectedCalibrationError(claims),
    chance: 0,
    chanceIs: 'perfect calibration',
  };
}

async function evaluateSketches(tf: Tf, weights: LiveTensors, random: Random, count: number): Promise<Figure[]> {
  const look = async (names: readonly (ObjectName | undefined)[], hand: Hand) => {
    const drawn = Array.from({ length: count }, (_, i) => names[i % names.length]);
    const rows: Float32Array[] = [];
    for (let start = 0; start < count; start += 500) {
      const seen = drawn
        .slice(start, start + 500)
        .map((name) => ({ pictures: [rasterise(drawSketch(random, name, hand))], phrases: [] }));
      rows.push(...(await readSessions(tf, weights, seen)).map(({ objects }) => objects));
    }
    // For a sketch of nothing, one thing after the other is taken for the truth.
    return rows.map((row, i) => ({
      row,
      truth: objectNames.indexOf(drawn[i] ?? at(objectNames, i % objectNames.length)),
    }));
  };
  const [drawn, otherwise, empty] = [
    await look(objectNames, 'unseen_distortion'),
    await look(keptObjects, 'unseen_way'),
    await look([undefined], 'learned'),
  ];
  const among = (best: number) => ({ chance: best / objectNames.length, chanceIs: `${best} of ${objectNames.length}` });
  const within = (best: number) => (one: Seen) => rankOf(one) <= best;
  return [
    { name: 'sketch: right object first', value: shareOf(drawn, within(1)), ...among(1) },
    { name: 'sketch: right object in the first five', value: shareOf(drawn, within(5)), ...among(5) },
    { name: 'sketch in a way never seen: first', value: shareOf(otherwise, within(1)), ...among(1) },
    { name: 'sketch in a way never seen: in the first five', value: shareOf(otherwise, within(5)), ...among(5) },
    { name: 'sketch of nothing: "right" object first', value: shareOf(empty, within(1)), ...among(1) },
  ];
}

interface Seen {
  readonly row: Float32Array;
  readonly truth: number;
}

/** The rank of the truth; of equal values, the later ones count as before it. */
function rankOf({ row, truth }: Seen): number {
  return row.filter((value, i) => value > at(row, truth) || (value === at(row, truth) && i > truth)).length + 1;
}

function indexOfHighest(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (at(row, i) > at(row, best)) best = i;
  return best;
}

/** Whether the true target scores highest; of equal scores one is picked as good as by chance. */
function firstShare(scores: readonly number[]): number {
  const highest = Math.max(...scores);
  return at(scores, 0) === highest ? 1 / scores.filter((score) => score === highest).length : 0;
}

function evaluateSessions(
  judged: readonly Judged[],
  base: BaseRates,
  match: readonly number[],
  where: string,
): Figure[] {
  const terrains = judged.map(({ session }) => session.target.terrain);
  const first = judged.map(({ reading }) => indexOfHighest(reading.descriptors));
  const merits = judged.map(({ merits: all }) => all.map(({ figureOfMerit }) => figureOfMerit));
  return [
    {
      name: `right terrain, ${where}`,
      value: shareOf(judged, ({ reading }, i) => terrainNames[indexOfHighest(reading.terrain)] === terrains[i]),
      chance: Math.max(...terrainNames.map((name) => shareOf(terrains, (terrain) => terrain === name))),
      chanceIs: 'the most frequent terrain',
    },
    {
      name: `first descriptor is the target's, ${where}`,
      value: shareOf(judged, ({ session }, i) => session.target.descriptors.has(at(descriptorNames, at(first, i)))),
      chance: meanOf(first.map((index) => at(base.descriptors, index))),
      chanceIs: 'the same descriptors for any target',
    },
    rightFirst('target', judged, match, where),
    {
      name: `figure of merit, ${where}`,
      value: meanOf(merits.map(([own = 0]) => own)),
      chance: meanOf(merits.flatMap((all) => all.slice(1))),
      chanceIs: 'that of the other targets',
    },
  ];
}

/** How well what the model is sure of fits what is true, over sessions of every signal. */
function evaluateCertainty(judged: readonly Judged[], match: readonly number[]): Figure[] {
  const sketched = judged.filter(({ session }) => session.sketched);
  return [
    calibrationError(
      'object',
      sketched.map(({ session, reading }) => claimOf(reading.objects, (best) => objectNames[best] === session.drawn)),
    ),
    calibrationError(
      'terrain',
      judged.map(({ session, reading }) =>
        claimOf(reading.terrain, (best) => terrainNames[best] === session.target.terrain),
      ),
    ),
    calibrationError(
      'descriptor',
      judged.map(({ session, reading }) =>
        claimOf(reading.descriptors, (best) => session.target.descriptors.has(at(descriptorNames, best))),
      ),
    ),
    claimError('target', judged, match),
  ];
}
