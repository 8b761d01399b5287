import type { Runtime } from '../backend.ts';
import type { Model } from '../model.ts';
import { fillUp } from '../sentences/encoder.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, type NamedTensor, type NamedTensors, rowsOf, tensorOf, toLive } from '../tensors.ts';
import { encode } from './encode.ts';
import { type BaseRates, compare, meritOf, scorePool } from './match.ts';
import { type Reading, readSessions, type Seen } from './network.ts';
import { asPoolTarget } from './poolTarget.ts';
import { report } from './report.ts';
import { type ConceptDirections, type Phrase, sharesOf } from './wording.ts';

/** What calibration adds to the weights: the directions of the concepts, what comparisons weigh, and the base rates. */
export const conceptTensor = 'words/directions';
export const matchTensor = 'match/weights';
export const baseTensors = { terrain: 'base/terrain', descriptors: 'base/descriptors', things: 'base/things' } as const;

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
  { sentences }: Runtime,
  directions: ConceptDirections,
  sessions: readonly NamedTensors[],
): Promise<Arrived[]> {
  const tokens = sessions.flatMap(({ phrases, targetPhrases }) =>
    [phrases, targetPhrases].map((one) => rowsOf(one ?? none)),
  );
  const texts = tokens.flat();
  const vectors = sentences === null || texts.length === 0 ? [] : rowsOf(await sentences.embed(fillUp(texts)));
  let next = 0;
  const take = (count: number) =>
    vectors.slice(next, (next += count)).map((vector): Phrase => ({ vector, shares: sharesOf(vector, directions) }));
  return sessions.map((session) => {
    const pictures = rowsOf(entry(session, 'pictures'));
    const phrases = take(session.phrases?.shape[0] ?? 0);
    const targetPictures = rowsOf(session.targetPictures ?? none);
    const pool = rowsOf(session.targets ?? none).map(([phraseCount = 0, pictureCount = 0]) => ({
      pictures: targetPictures.splice(0, pictureCount),
      phrases: take(phraseCount),
    }));
    return { pictures, phrases, pool };
  });
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
      const arrived = await arrive(runtime, directions, sessions);
      const readings = await readSessions(
        tf,
        live,
        arrived.flatMap((session) => [session, ...session.pool]),
      );
      const answers: NamedTensors[] = [];
      let next = 0;
      for (const session of arrived) {
        const reading = at(readings, next);
        const pool = session.pool.map((target, i) => asPoolTarget(target, at(readings, next + 1 + i), directions));
        next += 1 + pool.length;
        const outputs = outputsOf(reading, base);
        if (pool.length === 0) answers.push(outputs);
        else {
          const features = await compare(tf, { ...session, reading }, pool, base);
          const merits = pool.map((target) => meritOf(reading, target.reading, base));
          answers.push({
            ...outputs,
            scores: tensorOf([pool.length, 1], scorePool(features, matchWeights)),
            merits: tensorOf(
              [pool.length, 2],
              merits.flatMap(({ accuracy, reliability }) => [accuracy, reliability]),
            ),
          });
        }
      }
      return answers;
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
