import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { averageRanks, meanOf } from '../../domain/statistics.ts';
import { correlationOf } from '../figures.ts';
import type { ModelStamp } from '../model.ts';
import { at } from '../sequence.ts';
import { entry, firstRow, type NamedTensors, rowsOf } from '../tensors.ts';
import { columnOf } from './encode.ts';
import { chanceOfCount } from './generator.ts';

const reasonsPerRow = 3;
/** From this probability on a row is said to stand out. */
export const standsOut = 0.5;

/** How strongly each dimension goes with the ratings, as a rank correlation; null where too few rows are rated. */
function strengthsByRating({ dimensions, rows, ratings = [] }: IntuitiveAnalysisImpressions): number[] | null {
  const rated = ratings.flatMap((rating, row) => (rating === null ? [] : [{ rating, row }]));
  if (rated.length < 3) return null;
  const ranks = averageRanks(rated.map(({ rating }) => rating));
  return dimensions.map((_, d) => {
    const column = columnOf({ dimensions, rows }, d);
    return Math.abs(correlationOf(averageRanks(rated.map(({ row }) => at(column, row))), ranks));
  });
}

/**
 * The rank correlation that the strongest of so many dimensions passes by chance alone in one of twenty tables, by
 * Fisher's transformation and Bonferroni's bound.
 */
function beyondChance(rated: number, dimensions: number): number {
  return Math.tanh(Math.sqrt(2 * Math.log(20 * dimensions)) / Math.sqrt(Math.max(1, rated - 3)));
}

/** How far each dimension parts the clusters: the share of its variance that lies between them. */
function strengthsByCluster(impressions: IntuitiveAnalysisImpressions, labels: readonly number[]): number[] {
  return impressions.dimensions.map((_, d) => betweenShare(columnOf(impressions, d), labels));
}

function betweenShare(column: Float64Array, labels: readonly number[]): number {
  const largest = column.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  const values = Array.from(column, (value) => value / largest);
  const mean = meanOf(values);
  const members = new Map<number, { sum: number; count: number }>();
  values.forEach((value, row) => {
    const cluster = members.get(at(labels, row)) ?? { sum: 0, count: 0 };
    members.set(at(labels, row), { sum: cluster.sum + value, count: cluster.count + 1 });
  });
  const all = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const between = [...members.values()].reduce(
    (sum, { sum: own, count }) => sum + count * (own / count - mean) ** 2,
    0,
  );
  return all > 0 ? between / all : 0;
}

/** How much each dimension matters, adding to 1, the most important first. */
function importanceOf(
  dimensions: readonly string[],
  strengths: readonly number[],
): { dimension: string; weight: number }[] {
  const total = strengths.reduce((sum, strength) => sum + strength, 0);
  return dimensions
    .map((dimension, d) => ({ dimension, weight: total > 0 ? at(strengths, d) / total : 1 / dimensions.length }))
    .toSorted((a, b) => b.weight - a.weight);
}

/** The dimensions that make a row stand out, the strongest first, as shares of all its deviation. */
function reasonsOf(
  deviations: Float32Array,
  dimensions: readonly string[],
): { dimension: string; contribution: number }[] {
  const total = deviations.reduce((sum, value) => sum + value, 0);
  return dimensions
    .map((dimension, d) => ({ dimension, contribution: total > 0 ? at(deviations, d) / total : 0 }))
    .toSorted((a, b) => b.contribution - a.contribution)
    .slice(0, reasonsPerRow);
}

/** The result that a person reads. */
export function report(
  impressions: IntuitiveAnalysisImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const { dimensions } = impressions;
  const labels = Array.from(entry(outputs, 'labels').values);
  const counts = firstRow(entry(outputs, 'counts'));
  const confidence = Math.max(...counts);
  const count = 1 + counts.indexOf(confidence);
  const [stability = 1] = firstRow(entry(outputs, 'stability'));
  const deviations = rowsOf(entry(outputs, 'deviations'));
  const anomalies = Array.from(entry(outputs, 'anomalies').values, (score, row) => ({
    row,
    score,
    because: reasonsOf(at(deviations, row), dimensions),
  }));
  const byRating = strengthsByRating(impressions);
  const importance = importanceOf(dimensions, byRating ?? strengthsByCluster(impressions, labels));
  const grouped = count === 1 ? 'The rows form no groups' : `The rows fall into ${count} groups`;
  const standing = anomalies.filter(({ score }) => score >= standsOut).length;
  return {
    resultType: 'intuitive_analysis.patterns',
    confidenceScore: confidence,
    data: {
      model,
      chance: {
        value: chanceOfCount,
        meaning: `How often always saying the likeliest number of groups, of 1 to ${counts.length}, is right.`,
      },
      summary: [
        `${grouped} (${(100 * confidence).toFixed(0)}%); ${standing} of ${labels.length} rows stand out.`,
        ...whatMatters({ impressions, byRating, leading: at(importance, 0).dimension, count }),
      ].join(' '),
      limits: 'It sees groups that are round or all stretched alike; what goes together need not cause each other.',
      clusters: { labels, count, stability: Math.min(1, Math.max(0, stability)) },
      anomalies,
      importance,
      similar: rowsOf(entry(outputs, 'similar')).map((rows) => Array.from(rows)),
      map: rowsOf(entry(outputs, 'map')).map(([x = 0, y = 0]): [number, number] => [x, y]),
    },
  };
}

/** What the summary says of dimensions: nothing of what chance alone would give. */
function whatMatters({
  impressions: { ratings = [], dimensions },
  byRating,
  leading,
  count,
}: {
  impressions: IntuitiveAnalysisImpressions;
  byRating: readonly number[] | null;
  leading: string;
  count: number;
}): string[] {
  if (byRating === null) return count > 1 ? [`"${leading}" parts them most.`] : [];
  const rated = ratings.filter((rating) => rating !== null).length;
  return Math.max(...byRating) > beyondChance(rated, dimensions.length)
    ? [`"${leading}" goes with the ratings most.`]
    : ['No dimension goes with the ratings more than chance would have it.'];
}
