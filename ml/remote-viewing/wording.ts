import type { Tensor } from '@tensorflow/tfjs';
import type { Runtime } from '../backend.ts';
import { objectNames } from './drawings/objects.ts';
import { at } from '../sequence.ts';
import { compute, entry, type NamedTensor, rowsOf, type Tf } from '../tensors.ts';
import { descriptorNames, terrainNames } from './lexicon.ts';
import { phrasesOf, wordsOfDescriptor, wordsOfObject, wordsOfTerrain } from './vocabulary.ts';

/** What simulated sessions are for. Each part has words, forms of words and targets that no other part has. */
export type Part = 'learned' | 'calibration' | 'test';

/** How many of what is parted stay for learning, against one for calibration and one for the test. */
export const partsOfSeven: readonly Part[] = [
  'calibration',
  'test',
  'learned',
  'learned',
  'learned',
  'learned',
  'learned',
];

/** How a person puts a word; the plain word is in every part. */
const forms: Record<Part, readonly string[]> = {
  learned: ['a sense of *', '* here', 'something like *', 'maybe *', '* all around', 'an impression of *', 'lots of *'],
  calibration: ['I notice *', '* near me', 'perhaps *'],
  test: ['there is *', 'I feel *', '* in front of me', 'could be *'],
};
const formsPerWord = 2;

/** Something that words can point to: a descriptor, a terrain or an object. */
export type Concept = `${'descriptor' | 'terrain' | 'object'}/${string}`;

const wordsOfConcept = new Map<Concept, string[]>([
  ...descriptorNames.map((name) => [`descriptor/${name}`, phrasesOf(wordsOfDescriptor[name])] as const),
  ...terrainNames.map((name) => [`terrain/${name}`, phrasesOf(wordsOfTerrain[name])] as const),
  ...objectNames.map((name) => [`object/${name}`, phrasesOf(wordsOfObject[name])] as const),
]);

export const concepts: readonly Concept[] = [...wordsOfConcept.keys()];

/** A number that looks random and is the same for the same text everywhere (FNV-1a). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Which part each word belongs to: about a seventh of each concept's to calibration and to the test, at least one. */
const partOfWord = new Map<string, Part>();
for (const words of wordsOfConcept.values()) {
  const share = Math.max(1, Math.round(words.length / partsOfSeven.length));
  const free = words.filter((word) => !partOfWord.has(word)).toSorted((a, b) => hashOf(a) - hashOf(b));
  for (const part of ['test', 'calibration'] as const) {
    const missing = share - words.filter((word) => partOfWord.get(word) === part).length;
    for (const word of free.splice(0, Math.max(0, missing))) partOfWord.set(word, part);
  }
  for (const word of free) partOfWord.set(word, 'learned');
}

function phrasesOfPart(words: readonly string[], part: Part): string[] {
  return words
    .filter((word) => partOfWord.get(word) === part)
    .flatMap((word) => {
      const first = hashOf(word);
      const dressed = Array.from({ length: formsPerWord }, (_, i) =>
        at(forms[part], (first + i) % forms[part].length).replace('*', word),
      );
      return [word, ...dressed];
    });
}

const phrasesByPart = new Map(
  (['learned', 'calibration', 'test'] as const).map((part) => [
    part,
    new Map([...wordsOfConcept].map(([concept, words]) => [concept, phrasesOfPart(words, part)])),
  ]),
);

/** The phrases that point to a concept, in a part. */
export function phrasesFor(concept: Concept, part: Part): readonly string[] {
  return phrasesByPart.get(part)?.get(concept) ?? [];
}

/** A phrase as the network and the comparison with targets see it. */
export interface Phrase {
  readonly vector: Float32Array;
  /** How much it points to each concept; they add to 1. */
  readonly shares: Float32Array;
}

/** The direction of each concept: a row of numbers each, all one after the other. */
export type ConceptDirections = Float32Array;

/** How fast a concept's share grows with its likeness to the phrase. */
const sharpness = 20;

/** How much a phrase points to each concept, by how alike the directions are. */
export function sharesOf(vector: Float32Array, directions: ConceptDirections): Float32Array {
  const size = vector.length;
  const odds = new Float32Array(concepts.length);
  let total = 0;
  for (let c = 0; c < odds.length; c++) {
    let likeness = 0;
    for (let i = 0; i < size; i++) likeness += (vector[i] ?? NaN) * (directions[c * size + i] ?? NaN);
    odds[c] = Math.exp(sharpness * likeness);
    total += at(odds, c);
  }
  return odds.map((value) => value / total);
}

/** The same for many phrases at once, on the backend: vectors [phrases, size] to shares [phrases, concepts]. */
export async function sharesOfAll(tf: Tf, vectors: NamedTensor, directions: Tensor): Promise<NamedTensor> {
  const found = await compute(tf, { vectors }, (live) => ({
    shares: tf.softmax(
      tf.mul(tf.matMul(entry(live, 'vectors'), tf.reshape(directions, [concepts.length, -1]), false, true), sharpness),
    ),
  }));
  return entry(found, 'shares');
}

/** What the words of the simulation mean to the encoder. */
export interface PhraseBank {
  /** From the words that training learns from. */
  readonly directions: ConceptDirections;
  readonly phrases: ReadonlyMap<string, Phrase>;
}

const banks = new WeakMap<Runtime, Promise<Record<Part, PhraseBank>>>();

/**
 * The phrases of a part, embedded once for as long as the runtime lives. A phrase that is learned from is held against
 * directions made without its word, since a new word has no part in them either.
 *
 * @throws Error where there is no sentence encoder.
 */
export async function phraseBank(runtime: Runtime, part: Part): Promise<PhraseBank> {
  const all = banks.get(runtime) ?? embedAll(runtime);
  banks.set(runtime, all);
  return (await all)[part];
}

async function embedAll({ sentences }: Runtime): Promise<Record<Part, PhraseBank>> {
  if (sentences === null) throw new Error('Simulated words need the sentence encoder: npm run ml:sentences');
  const texts = [...partOfWord].flatMap(([word, part]) => phrasesOfPart([word], part));
  const rows = rowsOf(await sentences.embed(sentences.tokenise(texts)));
  const vectors = new Map(texts.map((text, i) => [text, at(rows, i)]));
  const directions = new Float32Array(concepts.length * sentences.dimensions);
  for (const concept of concepts) setDirection(directions, concept, vectors);
  const bankOf = (part: Part): PhraseBank => {
    const phrases = [...partOfWord].flatMap(([word, partOf]): [string, Phrase][] => {
      if (partOf !== part) return [];
      const own = part === 'learned' ? directionsWithout(word, directions, vectors) : directions;
      return phrasesOfPart([word], part).map((text) => {
        const vector = vectors.get(text) ?? new Float32Array(sentences.dimensions);
        return [text, { vector, shares: sharesOf(vector, own) }];
      });
    });
    return { directions, phrases: new Map(phrases) };
  };
  return { learned: bankOf('learned'), calibration: bankOf('calibration'), test: bankOf('test') };
}

function directionsWithout(
  word: string,
  directions: ConceptDirections,
  vectors: ReadonlyMap<string, Float32Array>,
): ConceptDirections {
  const others = directions.slice();
  for (const [concept, words] of wordsOfConcept) {
    if (words.includes(word)) setDirection(others, concept, vectors, word);
  }
  return others;
}

/** Sets a concept's direction to the mean of what is learned of it, at times without one of its words. */
function setDirection(
  directions: ConceptDirections,
  concept: Concept,
  vectors: ReadonlyMap<string, Float32Array>,
  without?: string,
): void {
  const size = directions.length / concepts.length;
  const words = (wordsOfConcept.get(concept) ?? []).filter((word) => word !== without);
  const sum = new Float32Array(size);
  for (const phrase of phrasesOfPart(words, 'learned')) {
    vectors.get(phrase)?.forEach((value, i) => {
      sum[i] = at(sum, i) + value;
    });
  }
  const length = Math.hypot(...sum);
  directions.set(
    sum.map((value) => value / length),
    concepts.indexOf(concept) * size,
  );
}
