import { at } from '../sequence.ts';
import type { ModelResult } from '../../domain/results.ts';
import type { ModelInput, ModelStamp } from '../model.ts';
import { entry, firstRow, type NamedTensors, rowsOf } from '../tensors.ts';
import { knownOf, targetsOf, wordsSaid } from './encode.ts';
import { objectNames } from './drawings.ts';
import { descriptorNames, type TerrainRead, terrainsRead } from './lexicon.ts';
import { places } from './places.ts';

const shownPlaces = 10;

interface Named {
  name: string;
  probability: number;
}

interface Said {
  input: ModelInput<'remote_viewing'>;
  outputs: NamedTensors;
  model: ModelStamp;
}

/** Turns the network's probabilities into one result a kind; confidence is the probability of the first thing named. */
export function report(said: Said): ModelResult[] {
  const results = [reportDescriptors(said), reportGeography(said)];
  if (said.input.impressions.sketches !== undefined) results.push(reportObjects(said));
  if (said.outputs.targets !== undefined) results.push(reportMatch(said));
  return results;
}

function ranked(names: readonly string[], probabilities: readonly number[]): Named[] {
  return names
    .map((name, i) => ({ name, probability: at(probabilities, i) }))
    .toSorted((a, b) => b.probability - a.probability);
}

function bestOf<T>(items: readonly T[]): T {
  const [best] = items;
  if (best === undefined) throw new RangeError('A ranking without an entry');
  return best;
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)}%`;
}

/** What is said of the words: nothing is hidden when none of them could be used. */
function wordsNote({ input: { impressions } }: Said): string {
  const said = wordsSaid(impressions);
  if (said.length === 0) return 'No words were recorded.';
  const known = knownOf(said).length;
  return known === 0
    ? 'None of the words was known to this model, which knows a few hundred plain English ones, so they were not used.'
    : `${known} of ${said.length} words were known.`;
}

function reportDescriptors(said: Said): ModelResult {
  const descriptors = ranked(descriptorNames, firstRow(entry(said.outputs, 'descriptors')));
  const best = bestOf(descriptors);
  const base =
    firstRow(entry(said.outputs, 'descriptorBase'))[descriptorNames.findIndex((name) => name === best.name)] ?? 0;
  return {
    resultType: 'remote_viewing.descriptors',
    confidenceScore: best.probability,
    data: {
      model: said.model,
      chance: { value: base, meaning: `Share of simulated targets that have "${best.name}", whatever was recorded.` },
      summary: `The impressions point most to "${best.name}" (${percent(best.probability)}). ${wordsNote(said)}`,
      limits: 'Words are read by a small English lexicon; probabilities hold for simulated sessions.',
      descriptors,
    },
  };
}

function reportObjects(said: Said): ModelResult {
  const objects = ranked(objectNames, firstRow(entry(said.outputs, 'objects')));
  const best = bestOf(objects);
  const count = said.input.impressions.sketches?.length ?? 1;
  const what = count === 1 ? 'The sketch looks' : `Taken together, the ${count} sketches look`;
  return {
    resultType: 'remote_viewing.objects',
    confidenceScore: best.probability,
    data: {
      model: said.model,
      chance: { value: 1 / objectNames.length, meaning: `One of ${objectNames.length} objects by chance.` },
      summary: `${what} most like: ${best.name} (${percent(best.probability)}).`,
      limits: `It knows ${objectNames.length} kinds of things and says which of them a drawing resembles, not what the target was.`,
      objects,
    },
  };
}

function reportGeography(said: Said): ModelResult {
  const terrain = ranked(terrainsRead, firstRow(entry(said.outputs, 'terrain')));
  const best = bestOf(terrain);
  const ofTerrain = new Map(terrain.map(({ name, probability }) => [name, probability]));
  return {
    resultType: 'remote_viewing.geography',
    confidenceScore: best.probability,
    data: {
      model: said.model,
      chance: { value: 1 / terrainsRead.length, meaning: `One of ${terrainsRead.length} kinds of terrain by chance.` },
      summary: `The terrain is most likely: ${best.name.replace('_', ' or ')} (${percent(best.probability)}). ${wordsNote(said)}`,
      limits: `Places are ranked by terrain alone, among ${places.length} well-known ones: 1 in ${places.length} by chance.`,
      terrain,
      places: rankPlaces((name) => ofTerrain.get(name) ?? 0).slice(0, shownPlaces),
    },
  };
}

/** Spreads each terrain's probability evenly over the places that have it; over all places they add to 1. */
function rankPlaces(probabilityOf: (terrain: TerrainRead) => number) {
  const shareOf = (terrain: TerrainRead) =>
    places.reduce((sum, place) => sum + (place.terrain.includes(terrain) ? 1 / place.terrain.length : 0), 0);
  const shares = new Map(terrainsRead.map((terrain) => [terrain, shareOf(terrain)]));
  return places
    .map(({ terrain, ...place }) => {
      const each = terrain.map((name) => probabilityOf(name) / terrain.length / (shares.get(name) ?? 1));
      return { ...place, probability: each.reduce((sum, value) => sum + value, 0) };
    })
    .toSorted((a, b) => b.probability - a.probability);
}

function reportMatch(said: Said): ModelResult {
  const targets = targetsOf(said.input.metadata);
  const scores = rowsOf(entry(said.outputs, 'targets')).map(([score = 0]) => score);
  const ranking = targets.map(({ id }, i) => ({ id, score: at(scores, i) })).toSorted((a, b) => b.score - a.score);
  const best = bestOf(ranking);
  return {
    resultType: 'remote_viewing.match',
    confidenceScore: best.score,
    data: {
      model: said.model,
      chance: { value: 1 / targets.length, meaning: `The right one of ${targets.length} targets first by chance.` },
      summary: `Of ${targets.length} targets, "${best.id}" fits the impressions best (${percent(best.score)}). ${wordsNote(said)}`,
      limits:
        'Scores compare words and what they point to; they add to 1 over the pool and hold for simulated pools of 5.',
      ranking,
    },
  };
}
