import type { ModelResult, ResultType } from '../domain/results.ts';
import { meanOf } from '../domain/statistics.ts';
import { at } from './sequence.ts';

type Result<T extends ResultType> = Extract<ModelResult, { resultType: T }>;

/**
 * One answer of several models, or versions of one, to the same session. Probabilities are averaged by name (the linear
 * opinion pool: Stone 1961; Genest and Zidek 1986) and quantiles by step (Vincent averaging: Ratcliff 1979), each model
 * weighing alike. What cannot be averaged, a grouping of rows or areas on a map, is that of the most confident. Each
 * combined result names all who made it.
 */
export function combine(ofModels: readonly (readonly ModelResult[])[]): ModelResult[] {
  const all = ofModels.flat();
  const types = [...new Set(all.map(({ resultType }) => resultType))];
  return types.flatMap((type) => {
    const members = all.filter(({ resultType }) => resultType === type);
    return members.length < 2 ? members : [combineAlike(type, all)];
  });
}

function combineAlike(resultType: ResultType, all: readonly ModelResult[]): ModelResult {
  switch (resultType) {
    case 'remote_viewing.descriptors': {
      const members = membersOf(resultType, all);
      const descriptors = pool(members.map(({ data }) => data.descriptors));
      const { name, probability } = at(descriptors, 0);
      const data = { ...forAll(members), summary: together(members, name, probability), descriptors };
      return { resultType, confidenceScore: probability, data };
    }
    case 'remote_viewing.objects': {
      const members = membersOf(resultType, all);
      const objects = pool(members.map(({ data }) => data.objects));
      const { name, probability } = at(objects, 0);
      const data = { ...forAll(members), summary: together(members, name, probability), objects };
      return { resultType, confidenceScore: probability, data };
    }
    case 'remote_viewing.geography': {
      const members = membersOf(resultType, all);
      const terrain = pool(members.map(({ data }) => data.terrain));
      const places = pool(members.map(({ data }) => data.places));
      const { name, probability } = at(terrain, 0);
      const data = { ...forAll(members), summary: together(members, name, probability), terrain, places };
      return { resultType, confidenceScore: probability, data };
    }
    case 'remote_viewing.match': {
      const members = membersOf(resultType, all);
      const ranking = rankingOf(members);
      const { id, score } = at(ranking, 0);
      const data = { ...forAll(members), summary: together(members, id, score), ranking };
      return { resultType, confidenceScore: score, data };
    }
    case 'dowsing.answer': {
      const members = membersOf(resultType, all);
      const [yes = 0, no = 0, unclear = 0, low = 0, high = 0] = meanOfEach(
        members.map(({ data }) => [data.yes, data.no, data.unclear, ...data.interval]),
      );
      const [name, probability] = Object.entries({ yes, no, unclear }).reduce((a, b) => (b[1] > a[1] ? b : a));
      const interval: [number, number] = [low, high];
      const data = {
        ...forAll(members),
        summary: together(members, name, probability),
        yes,
        no,
        unclear,
        interval,
      };
      return { resultType, confidenceScore: probability, data };
    }
    case 'precognition.forecast': {
      const members = membersOf(resultType, all);
      const data = forAll(members);
      const series = data.series.map((one) => seriesOf(one, members));
      const probabilities = members.flatMap((one) =>
        one.data.event === undefined ? [] : [one.data.event.probability],
      );
      const event = data.event && { event: { ...data.event, probability: meanOf(probabilities) } };
      const confidenceScore = meanOf(members.map((member) => member.confidenceScore));
      return { resultType, confidenceScore, data: { ...data, series, ...event } };
    }
    case 'dowsing.location': {
      const members = membersOf(resultType, all);
      return { resultType, confidenceScore: mostConfident(members).confidenceScore, data: forAll(members) };
    }
    case 'intuitive_analysis.patterns': {
      const members = membersOf(resultType, all);
      return { resultType, confidenceScore: mostConfident(members).confidenceScore, data: forAll(members) };
    }
  }
}

function membersOf<T extends ResultType>(resultType: T, all: readonly ModelResult[]): Result<T>[] {
  const isOne = (result: ModelResult): result is Result<T> => result.resultType === resultType;
  return all.filter(isOne);
}

function mostConfident<R extends ModelResult>(members: readonly R[]): R {
  return members.reduce((best, one) => (one.confidenceScore > best.confidenceScore ? one : best));
}

/** What the most confident says, in the name of all. */
function forAll<R extends ModelResult>(members: readonly R[]): R['data'] {
  const { data } = mostConfident(members);
  const all = (part: keyof typeof data.model) => [...new Set(members.map((one) => one.data.model[part]))].join(' + ');
  return {
    ...data,
    model: { name: all('name'), version: all('version'), backend: all('backend') },
    summary: `Of ${members.length} models, the most confident says: ${data.summary}`,
  };
}

function together(members: readonly ModelResult[], headline: string, probability: number): string {
  return `Taken together, ${members.length} models point most to "${headline}" (${(100 * probability).toFixed(0)}%).`;
}

/**
 * The mean of each list's probabilities by name, best first, as many as the longest list has; a list gives none to what
 * it does not name.
 */
function pool<E extends { readonly name: string; readonly country?: string; readonly probability: number }>(
  lists: readonly (readonly E[])[],
): E[] {
  const sums = new Map<string, E>();
  for (const entry of lists.flat()) {
    const key = `${entry.name}, ${entry.country ?? ''}`;
    const before = sums.get(key)?.probability ?? 0;
    sums.set(key, { ...entry, probability: before + entry.probability / lists.length });
  }
  const longest = Math.max(...lists.map(({ length }) => length));
  return [...sums.values()].toSorted((a, b) => b.probability - a.probability).slice(0, longest);
}

type Target = Result<'remote_viewing.match'>['data']['ranking'][number];

/** The pool of targets by the mean of what the members say of each. */
function rankingOf(members: readonly Result<'remote_viewing.match'>[]): Target[] {
  const targets = Map.groupBy(
    members.flatMap(({ data }) => data.ranking),
    ({ id }) => id,
  );
  return [...targets]
    .map(([id, said]) => {
      const [score = 0, accuracy = 0, reliability = 0] = meanOfEach(
        said.map((one) => [one.score, one.accuracy, one.reliability]),
      );
      return { id, score, accuracy, reliability, figureOfMerit: accuracy * reliability };
    })
    .toSorted((a, b) => b.score - a.score)
    .map((target, i) => ({ ...target, rank: i + 1 }));
}

type Series = Result<'precognition.forecast'>['data']['series'][number];

/** The mean of each quantile that the members give a series at each step, and of how far its own forecast lies. */
function seriesOf(one: Series, members: readonly Result<'precognition.forecast'>[]): Series {
  const alike = members.flatMap(({ data }) => data.series.filter(({ name }) => name === one.name));
  const mean = (quantile: 'q10' | 'q50' | 'q90') => meanOfEach(alike.map((series) => series[quantile]));
  const quantiles = { q10: mean('q10'), q50: mean('q50'), q90: mean('q90') };
  if (one.divergence === undefined) return { ...one, ...quantiles };
  return { ...one, ...quantiles, divergence: meanOf(alike.map(({ divergence = 0 }) => divergence)) };
}

function meanOfEach(rows: readonly (readonly number[])[]): number[] {
  return at(rows, 0).map((_, i) => meanOf(rows.map((row) => at(row, i))));
}
