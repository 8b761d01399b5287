import { at } from '../sequence.ts';
import { objectNames } from './drawings/objects.ts';
import { terrainNames } from './lexicon.ts';
import type { PoolTarget } from './match.ts';
import type { Reading, Seen } from './network.ts';
import { type Concept, type ConceptDirections, concepts, type Phrase, sharesOf } from './wording.ts';

/**
 * A target as it is compared. One that nobody described is described by what the network reads in its picture, the
 * thing and the surroundings: else a target with words would be ahead of it in every pool that has both.
 */
export function asPoolTarget({ phrases, pictures }: Seen, reading: Reading, directions: ConceptDirections): PoolTarget {
  if (phrases.length > 0 || pictures.length === 0) return { phrases, reading };
  const named: Concept[] = [
    `object/${highest(objectNames, reading.objects)}`,
    `terrain/${highest(terrainNames, reading.terrain)}`,
  ];
  return { phrases: named.map((concept) => phraseOf(concept, directions)), reading };
}

function highest<Name>(names: readonly Name[], probabilities: Float32Array): Name {
  return at(names, probabilities.indexOf(Math.max(...probabilities)));
}

/** A concept as if a person had put it into words: its own direction. */
function phraseOf(concept: Concept, directions: ConceptDirections): Phrase {
  const size = directions.length / concepts.length;
  const start = concepts.indexOf(concept) * size;
  const vector = directions.subarray(start, start + size);
  return { vector, shares: sharesOf(vector, directions) };
}
