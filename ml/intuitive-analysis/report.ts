import { at } from '../sequence.ts';
import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { averageRanks, correlationOf, meanOf } from '../figures.ts';
import type { ModelStamp } from '../model.ts';
import { entry, firstRow, type NamedTensors, rowsOf } from '../tensors.ts';
import { columnOf } from './encode.ts';
import { mostClusters } from './network.ts';

const reasonsPerRow = 3;
/** From this probability on a row is said to stand out. */
const standsOut = 0.5;

/** How much each dimension matters, adding to 1: by its rank correlation with the ratings, or by how it parts the clusters. */
function importanceOf(
  impressions: IntuitiveAnalysisImpressions,
  labels: readonly number[],
): { dimension: string; weight: number }[] {
  const { dimensions, ratings = [] } = impressions;
  const rated = ratings.flatMap((rating, row) => (rating === null ? [] : [{ rating, row }]));
  const strengths = dimensions.map((_, d) => {
    const column = columnOf(impressions, d);
    if (rated.length < 3) return betweenShare(column, labels);
    return Math.abs(
      correlationOf(
        averageRanks(rated.map(({ row }) => at(column, row))),
        averageRanks(rated.map(({ rating }) => rating)),
      ),
    );
  });
  const total = strengths.reduce((sum, strength) => sum + strength, 0);
  return dimensions
    .map((dimension, d) => ({ dimension, weight: total > 0 ? at(strengths, d) / total : 1 / dimensions.length }))
    .toSorted((a, b) => b.weight - a.weight);
}

/** The share of a column's variance that lies between clusters. */
function betweenShare(column: readonly number[], labels: readonly number[]): number {
  const mean = meanOf(column);
  const members = new Map<number, number[]>();
  column.forEach((value, row) => {
    const label = at(labels, row);
    const values = members.get(label) ?? [];
    values.push(value);
    members.set(label, values);
  });
  const all = column.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const between = [...members.values()].reduce((sum, values) => sum + values.length * (meanOf(values) - mean) ** 2, 0);
  return all > 0 ? between / all : 0;
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

export function report(
  impressions: IntuitiveAnalysisImpressions,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const labels = Array.from(entry(outputs, 'labels').values);
  const counts = firstRow(entry(outputs, 'counts'));
  const [chosen = 1, stability = 1] = firstRow(entry(outputs, 'grouping'));
  const confidence = at(counts, chosen - 1);
  const deviations = rowsOf(entry(outputs, 'deviations'));
  const anomalies = Array.from(entry(outputs, 'anomalies').values, (score, row) => ({
    row,
    score,
    because: reasonsOf(deviations[row] ?? new Float32Array(), impressions.dimensions),
  }));
  const importance = importanceOf(impressions, labels);
  const standing = anomalies.filter(({ score }) => score >= standsOut).length;
  const grouped = chosen === 1 ? 'The rows form no groups' : `The rows fall into ${chosen} groups`;
  const by = impressions.ratings === undefined ? 'parts them' : 'goes with the ratings';
  const leading =
    importance[0] !== undefined && (chosen > 1 || impressions.ratings !== undefined)
      ? ` "${importance[0].dimension}" ${by} most.`
      : '';
  return {
    resultType: 'intuitive_analysis.patterns',
    confidenceScore: confidence,
    data: {
      model,
      chance: { value: 1 / mostClusters, meaning: `The right number of groups, 1 to ${mostClusters}, by chance.` },
      summary: `${grouped} (${(100 * confidence).toFixed(0)}%); ${standing} of ${labels.length} rows stand out.${leading}`,
      limits:
        'It sees round groups along the main directions of the table; what goes together need not cause each other.',
      clusters: { labels, count: chosen, stability: Math.min(1, Math.max(0, stability)) },
      anomalies,
      importance,
      map: rowsOf(entry(outputs, 'map')).map(([x = 0, y = 0]): [number, number] => [x, y]),
    },
  };
}
