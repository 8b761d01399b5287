import type { ModelResult } from '../../domain/results.ts';
import type { ModelStamp, Said as SaidOf } from '../model.ts';
import { placeCount, rankPlaces } from '../geography/places.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, rowsOf } from '../tensors.ts';
import { objectNames } from './drawings/objects.ts';
import { maxPhrases, phrasesSaid, targetsOf } from './encode.ts';
import { descriptorNames, byTerrain, kindOf, terrainNames } from './lexicon.ts';

const shownObjects = 5;

type Said = SaidOf<'remote_viewing'> & { readonly model: ModelStamp };

/** Turns the network's probabilities into one result a kind; confidence is the probability of the first thing named. */
export function report(said: Said): ModelResult[] {
  const results = [reportDescriptors(said), reportGeography(said)];
  if (said.input.impressions.sketches !== undefined) results.push(reportObjects(said));
  if (said.outputs.scores !== undefined) results.push(reportMatch(said));
  return results;
}

interface Named<Name> {
  name: Name;
  probability: number;
}

function ranked<Name extends string>(names: readonly Name[], probabilities: readonly number[]): Named<Name>[] {
  return names
    .map((name, i) => ({ name, probability: at(probabilities, i) }))
    .toSorted((a, b) => b.probability - a.probability);
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)}%`;
}

/** What is said of the words: nothing is hidden when they could not be used. */
function wordsNote({ input: { impressions }, inputs }: Said): string {
  const said = phrasesSaid(impressions).length;
  if (said === 0) return 'No words were recorded.';
  if (inputs.phrases === undefined) {
    return 'The words were not analyzed, since the sentence encoder is not installed here.';
  }
  return said < maxPhrases ? `${said} phrases were read.` : `The first ${maxPhrases} phrases were read.`;
}

function reportDescriptors(said: Said): ModelResult {
  const descriptors = ranked(descriptorNames, firstRow(entry(said.outputs, 'descriptors')));
  const best = at(descriptors, 0);
  const base = at(firstRow(entry(said.outputs, 'baseDescriptors')), descriptorNames.indexOf(best.name));
  return {
    resultType: 'remote_viewing.descriptors',
    confidenceScore: best.probability,
    data: {
      model: said.model,
      chance: { value: base, meaning: `Share of simulated targets that have "${best.name}", whatever was recorded.` },
      summary: `The impressions point most to "${best.name}" (${percent(best.probability)}). ${wordsNote(said)}`,
      limits: 'Probabilities hold for simulated sessions, in which words and sketches come about by known rules.',
      descriptors: descriptors.map(({ name, probability }) => ({ name, probability, kind: kindOf(name) })),
    },
  };
}

function reportObjects(said: Said): ModelResult {
  const objects = ranked(objectNames, firstRow(entry(said.outputs, 'objects'))).slice(0, shownObjects);
  const best = at(objects, 0);
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
      classes: [...objectNames],
    },
  };
}

function reportGeography(said: Said): ModelResult {
  const probabilities = firstRow(entry(said.outputs, 'terrain'));
  const base = firstRow(entry(said.outputs, 'baseTerrain'));
  const terrain = ranked(terrainNames, probabilities);
  const best = at(terrain, 0);
  return {
    resultType: 'remote_viewing.geography',
    confidenceScore: best.probability,
    data: {
      model: said.model,
      chance: {
        value: Math.max(...base),
        meaning: `Share of the most frequent of ${terrainNames.length} kinds of surroundings among simulated targets.`,
      },
      summary: `The surroundings are most likely: ${best.name.replace('_', ' or ')} (${percent(best.probability)}). ${wordsNote(said)}`,
      limits: `Places are ranked by their surroundings alone, which are known coarsely, among ${placeCount} populated ones: 1 in ${placeCount} by chance.`,
      terrain,
      ...rankPlaces(byTerrain(probabilities), byTerrain(base)),
    },
  };
}

function reportMatch(said: Said): ModelResult {
  const targets = targetsOf(said.input.metadata);
  const scores = rowsOf(entry(said.outputs, 'scores'));
  const merits = rowsOf(entry(said.outputs, 'merits'));
  const ranking = targets
    .map(({ id }, i) => {
      const [score = 0, accuracy = 0, reliability = 0] = [...at(scores, i), ...at(merits, i)];
      return { id, score, accuracy, reliability, figureOfMerit: accuracy * reliability };
    })
    .toSorted((a, b) => b.score - a.score)
    .map((target, i) => ({ ...target, rank: i + 1 }));
  const best = at(ranking, 0);
  const [described, pictured] = [said.inputs.targetPhrases !== undefined, said.inputs.targetPictures !== undefined];
  const fits =
    described || pictured
      ? `Of ${targets.length} targets, "${best.id}" fits the impressions best (${percent(best.score)}).`
      : `The ${targets.length} targets could not be told apart.`;
  const unread = !described && targets.some(({ words }) => words.length > 0) ? ' Their words were not read.' : '';
  const drawn = pictured ? ' Of a picture its lines alone are read, as those of a drawing.' : '';
  return {
    resultType: 'remote_viewing.match',
    confidenceScore: best.score,
    data: {
      model: said.model,
      chance: { value: 1 / targets.length, meaning: `The right one of ${targets.length} targets first by chance.` },
      summary: `${fits}${unread} ${wordsNote(said)}`,
      limits: `Scores add to 1 over the pool, one of whose targets is taken to be the true one; the figure of merit compares what the network reads in both, above what it reads in anything.${drawn}`,
      ranking,
    },
  };
}
