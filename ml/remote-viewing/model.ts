import type { Tensor } from '@tensorflow/tfjs';
import type { Runtime } from '../backend.ts';
import type { Model } from '../model.ts';
import { fillUp, type SentenceEncoder } from '../sentences/encoder.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, type NamedTensor, type NamedTensors, rowsOf, tensorOf, type Tf, toLive } from '../tensors.ts';
import { encode } from './encode.ts';
import { type BaseRates, compareAll, type Comparison, meritOf, scorePool } from './match.ts';
import { type Reading, readSessions, type Seen } from './network.ts';
import { asPoolTarget } from './poolTarget.ts';
import { report } from './report.ts';
import { type Phrase, sharesOfAll } from './wording.ts';

/** What calibration adds to the weights: the directions of the concepts, what comparisons weigh, and the base rates. */
export const conceptTensor = 'words/directions';
export const matchTensor = 'match/weights';
export const baseTensors = { terrain: 'base/terrain', descriptors: 'base/descriptors', things: 'base/things' } as const;

/** The base rates that calibration left beside the weights. */
export function baseOf(weights: NamedTensors): BaseRates {
  return {
    terrain: entry(weights, baseTensors.terrain).values,
    descriptors: entry(weights, baseTensors.descriptors).values,
    things: entry(weights, baseTensors.things).values,
  };
}

/** A session before the network: what is seen of it, and of each target of its pool. */
interface Arrived extends Seen {
  readonly pool: readonly Seen[];
}

/** Embeds all phrases of all sessions in one call, and gives each session its own. */
async function arrive(
  { tf, sentences }: Runtime,
  directions: Tensor,
  sessions: readonly NamedTensors[],
): Promise<Arrived[]> {
  const texts = sessions.flatMap(({ phrases = none, targetPhrases = none }) =>
    [phrases, targetPhrases].flatMap(rowsOf),
  );
  const phrases = sentences === null || texts.length === 0 ? [] : await phrasesOf(texts, { tf, sentences, directions });
  let next = 0;
  const take = (count: number) => phrases.slice(next, (next += count));
  return sessions.map((session) => {
    const pictures = rowsOf(entry(session, 'pictures'));
    const said = take(session.phrases?.shape[0] ?? 0);
    const targetPictures = rowsOf(session.targetPictures ?? none);
    const pool = rowsOf(session.targets ?? none).map(([phraseCount = 0, pictureCount = 0]) => ({
      pictures: targetPictures.splice(0, pictureCount),
      phrases: take(phraseCount),
    }));
    return { pictures, phrases: said, pool };
  });
}

async function phrasesOf(
  texts: readonly Float32Array[],
  { tf, sentences, directions }: { tf: Tf; sentences: SentenceEncoder; directions: Tensor },
): Promise<Phrase[]> {
  const vectors = await sentences.embed(fillUp(texts));
  const shares = rowsOf(await sharesOfAll(tf, vectors, directions));
  return rowsOf(vectors).map((vector, i) => ({ vector, shares: at(shares, i) }));
}

const none: NamedTensor = tensorOf([0, 1], []);

function outputsOf(reading: Reading, base: BaseRates): NamedTensors {
  const row = (values: Float32Array) => tensorOf([1, values.length], values);
  return {
    objects: row(reading.objects),
    terrain: row(reading.terrain),
    descriptors: row(reading.descriptors),
    baseTerrain: row(base.terrain),
    baseDescriptors: row(base.descriptors),
  };
}

function matchOf({ reading, pool }: Comparison, scores: readonly number[], base: BaseRates): NamedTensors {
  const merits = pool.map((target) => meritOf(reading, target.reading, base));
  return {
    scores: tensorOf([pool.length, 1], scores),
    merits: tensorOf(
      [pool.length, 2],
      merits.flatMap(({ accuracy, reliability }) => [accuracy, reliability]),
    ),
  };
}

export const remoteViewing: Model<'remote_viewing'> = {
  sessionType: 'remote_viewing',
  architecture: 2,
  encode: (input, { sentences }) => encode(input, sentences),
  load(runtime, weights) {
    const { tf } = runtime;
    const live = toLive(tf, weights);
    const base = baseOf(weights);
    const matchWeights = Array.from(entry(weights, matchTensor).values);
    const directions = entry(weights, conceptTensor).values;
    return async (sessions) => {
      const arrived = await arrive(runtime, entry(live, conceptTensor), sessions);
      const readings = await readSessions(
        tf,
        live,
        arrived.flatMap((session) => [session, ...session.pool]),
      );
      let next = 0;
      const read = arrived.map(({ phrases, pool }) => ({
        phrases,
        reading: at(readings, next++),
        pool: pool.map((target) => asPoolTarget(target, at(readings, next++), directions)),
      }));
      const features = await compareAll(tf, read, base);
      return read.map((session, i) => ({
        ...outputsOf(session.reading, base),
        ...(session.pool.length === 0 ? {} : matchOf(session, scorePool(at(features, i), matchWeights), base)),
      }));
    };
  },
  report,
  observe({ input: { impressions }, inputs, outputs }) {
    const pictures = entry(inputs, 'pictures').values;
    const terrain = firstRow(entry(outputs, 'terrain'));
    return {
      phrases: inputs.phrases?.shape[0] ?? 0,
      strokes: (impressions.sketches ?? []).reduce((count, { strokes }) => count + strokes.length, 0),
      ink: pictures.reduce((sum, value) => sum + value, 0) / Math.max(1, pictures.length),
      topObject: Math.max(...firstRow(entry(outputs, 'objects'))),
      topTerrain: Math.max(...terrain),
      terrainEntropy: -terrain.reduce((sum, value) => sum + value * Math.log(Math.max(value, 1e-9)), 0),
      topDescriptor: Math.max(...firstRow(entry(outputs, 'descriptors'))),
    };
  },
  example: {
    impressions: {
      words: ['water', 'tall structure'],
      sketches: [
        {
          width: 10,
          height: 10,
          strokes: [
            {
              points: [
                { x: 1, y: 1 },
                { x: 9, y: 9 },
              ],
            },
          ],
        },
      ],
    },
    metadata: {
      targets: [
        { id: 'a', words: ['sea'] },
        { id: 'b', words: ['house'] },
      ],
    },
  },
};
