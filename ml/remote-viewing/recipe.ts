import type { Runtime } from '../backend.ts';
import { at } from '../sequence.ts';
import { rowsOf } from '../tensors.ts';
import type { Recipe } from '../training/recipe.ts';
import { calibrate } from './calibration.ts';
import { type ObjectName, objectNames } from './drawings/objects.ts';
import { phrasesSaid, targetsOf } from './encode.ts';
import { decisiveFigure, evaluate } from './evaluation.ts';
import { type Example, tableOf } from './examples.ts';
import { anySignal, asSent, simulateSession } from './generator.ts';
import { isTerrain } from './lexicon.ts';
import { remoteViewing } from './model.ts';
import { initialViewingWeights, viewingLoss } from './network.ts';
import { rasterise, side } from './raster.ts';
import { exampleOf } from './simulation.ts';
import { phrasesOf, wordsOfObject } from './vocabulary.ts';
import { type Phrase, phraseBank, sharesOf } from './wording.ts';

/** How the viewing model is made. */
export const remoteViewingRecipe: Recipe<'remote_viewing'> = {
  model: remoteViewing,
  version: '2.0.0',
  specifiedSessions: 500_000,
  epochs: 3,
  networks: {
    viewing: { batchSize: 256, learningRate: 2e-3, initial: initialViewingWeights, loss: viewingLoss },
  },
  async simulate({ runtime, random, sessions }) {
    const bank = await phraseBank(runtime, 'learned');
    const next = () => exampleOf(random, simulateSession(random, anySignal(random), 'learned'), bank);
    return { viewing: tableOf(sessions, next) };
  },
  async learnFrom({ impressions, metadata, outcome }, runtime) {
    const terrain = outcome.terrain !== undefined && isTerrain(outcome.terrain) ? outcome.terrain : undefined;
    // A target's picture teaches nothing: what it shows would be the network's own word for it.
    const target = targetsOf(metadata).find(({ id }) => id === outcome.targetId);
    const things = thingsNamed([...(outcome.objects ?? []), ...(outcome.words ?? target?.words ?? [])]);
    if (terrain === undefined && things.length === 0) return null;
    const phrases = await readPhrases(runtime, phrasesSaid(impressions));
    const pictures = (impressions.sketches ?? []).map(rasterise);
    if (phrases.length === 0 && pictures.length === 0) return null;
    const known = {
      phrases,
      // What a sketch depicts is not learned from an outcome: a drawing of a house stays one, whatever the target was.
      objects: undefined,
      terrain,
      descriptors: undefined,
      things: things.length > 0 ? things : undefined,
    };
    const examples: Example[] =
      pictures.length > 0
        ? pictures.map((picture) => ({ ...known, picture, sketched: true }))
        : [{ ...known, picture: new Float32Array(side * side), sketched: false }];
    return { viewing: tableOf(examples.length, (i) => at(examples, i)) };
  },
  session: (random) => asSent(random, simulateSession(random, anySignal(random), 'learned'), 'learned'),
  calibrate,
  evaluate,
  decisive: { figure: decisiveFigure, better: 'higher' },
};

/** The phrases of a real session; none where there is no encoder. */
async function readPhrases(runtime: Runtime, texts: readonly string[]): Promise<Phrase[]> {
  const { sentences } = runtime;
  if (sentences === null || texts.length === 0) return [];
  const { directions } = await phraseBank(runtime, 'learned');
  const vectors = rowsOf(await sentences.embed(sentences.tokenise(texts)));
  return vectors.map((vector) => ({ vector, shares: sharesOf(vector, directions) }));
}

/** The things of the network that words name: by the network's name or by a word of the vocabulary. */
function thingsNamed(words: readonly string[]): ObjectName[] {
  const named = new Set(words.map((word) => word.trim().toLowerCase()));
  return objectNames.filter((name) => [name, ...phrasesOf(wordsOfObject[name])].some((word) => named.has(word)));
}
