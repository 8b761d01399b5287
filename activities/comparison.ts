import type { Comparison } from '../db/comparisons.ts';
import { distanceKm } from '../domain/places.ts';
import type { ModelResult } from '../domain/results.ts';

/** Compares what a shadow said of a session with what was answered, for each kind of result that both have. */
export function compare(answered: readonly ModelResult[], shadow: readonly ModelResult[]): Comparison[] {
  return answered.flatMap((result) => {
    const other = shadow.find(({ resultType }) => resultType === result.resultType);
    if (other === undefined) return [];
    return [
      {
        resultType: result.resultType,
        agreed: saySame(result, other),
        confidenceDifference: Math.abs(result.confidenceScore - other.confidenceScore),
      },
    ];
  });
}

/** Whether two results of one kind come to the same for a person who reads the first line of each. */
function saySame(one: ModelResult, other: ModelResult): boolean {
  if (one.resultType === 'dowsing.location' && other.resultType === 'dowsing.location') {
    return distanceKm(one.data.best, other.data.best) <= Math.sqrt(one.data.area50Km2 / Math.PI);
  }
  if (one.resultType === 'precognition.forecast' && other.resultType === 'precognition.forecast') {
    return one.data.series.every(({ name, q10, q90 }) => {
      const median = other.data.series.find((series) => series.name === name)?.q50.at(-1);
      return median !== undefined && median >= (q10.at(-1) ?? median) && median <= (q90.at(-1) ?? median);
    });
  }
  return headlineOf(one) === headlineOf(other);
}

/** What stands first in a result, as a word or number. */
function headlineOf({ resultType, data }: ModelResult): string | number | undefined {
  switch (resultType) {
    case 'remote_viewing.descriptors':
      return mostLikely(data.descriptors);
    case 'remote_viewing.objects':
      return mostLikely(data.objects);
    case 'remote_viewing.geography':
      return mostLikely(data.terrain);
    case 'remote_viewing.match':
      return data.ranking[0]?.id;
    case 'dowsing.answer':
      return mostLikely([
        { name: 'yes', probability: data.yes },
        { name: 'no', probability: data.no },
        { name: 'unclear', probability: data.unclear },
      ]);
    case 'intuitive_analysis.patterns':
      return data.clusters.count;
    case 'dowsing.location':
    case 'precognition.forecast':
      // These have no headline in words; they are compared by their numbers.
      return undefined;
  }
}

function mostLikely(named: readonly { name: string; probability: number }[]): string | undefined {
  return named.toSorted((a, b) => b.probability - a.probability)[0]?.name;
}
