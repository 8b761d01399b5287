import { shareOf } from '../figures.ts';
import type { Model, Predict, Said } from '../model.ts';
import { at } from '../sequence.ts';
import {
  compute,
  entry,
  firstRow,
  type LiveTensors,
  type NamedTensor,
  type NamedTensors,
  rowsOf,
  stackRows,
  tensorOf,
  type Tf,
  toLive,
} from '../tensors.ts';
import { type Grouped, groupRows } from './deviations.ts';
import { encode, tableOf } from './encode.ts';
import { type Grouping, look, mostClusters, stabilityOf } from './groupings.ts';
import { choiceOf, groupingProbabilities, rowProbabilities } from './network.ts';
import { type Points, valueAt } from './points.ts';
import { report, standsOut } from './report.ts';

/** A table with the grouping that was chosen for it. */
interface Chosen {
  readonly scores: Points;
  readonly grouping: Grouping;
  /** The probability of 1, 2, … groups. */
  readonly counts: readonly number[];
  readonly grouped: Grouped;
}

/** The likeliest number of groups, and the likelier shape of so many. */
function choose(
  probabilities: Float32Array,
  groupings: readonly Grouping[],
): { grouping: Grouping; counts: readonly number[] } {
  const weighed = groupings.map((grouping) => ({
    grouping,
    count: grouping.clusters.sizes.length,
    probability: at(probabilities, choiceOf(grouping.clusters)),
  }));
  // A table of few rows has no groupings into many groups.
  const total = weighed.reduce((sum, { probability }) => sum + probability, 0);
  const counts = Array.from({ length: mostClusters }, (_, i) =>
    weighed.reduce((sum, { count, probability }) => sum + (count === i + 1 ? probability / total : 0), 0),
  );
  const chosen = 1 + counts.indexOf(Math.max(...counts));
  const { grouping } = weighed
    .filter(({ count }) => count === chosen)
    .reduce((best, other) => (other.probability > best.probability ? other : best));
  return { grouping, counts };
}

/** Both networks see all tables at once; what lies between them is done table by table, since no two are of one size. */
async function predictTables(tf: Tf, weights: LiveTensors, sessions: readonly NamedTensors[]): Promise<NamedTensors[]> {
  const seen = sessions.map((inputs) => {
    const table = tableOf(inputs);
    return { table, ...look(table) };
  });
  const facts = stackRows(seen.map((one) => ({ facts: tensorOf([1, one.facts.length], one.facts) })));
  const said = await compute(tf, facts, (live) => ({
    probabilities: groupingProbabilities(tf, weights, entry(live, 'facts')),
  }));
  const byTable = rowsOf(entry(said, 'probabilities'));
  const chosen = seen.map(({ table, scores, groupings }, i): Chosen => {
    const choice = choose(at(byTable, i), groupings);
    return { scores, ...choice, grouped: groupRows(table, scores, choice.grouping) };
  });
  const rows = stackRows(chosen.map(({ grouped }) => ({ facts: grouped.facts })));
  const ofRows = await compute(tf, rows, (live) => ({
    anomalies: rowProbabilities(tf, weights, entry(live, 'facts')),
  }));
  const { values: anomalies } = entry(ofRows, 'anomalies');
  let end = 0;
  return chosen.map((one) => {
    const { count } = one.scores;
    end += count;
    return outputsOf(one, tensorOf([count, 1], anomalies.subarray(end - count, end)));
  });
}

function outputsOf({ scores, grouping, counts, grouped }: Chosen, anomalies: NamedTensor): NamedTensors {
  const { labels, deviations, neighbours } = grouped;
  const { count, dimensions, values } = scores;
  const map = new Float32Array(2 * count);
  for (let row = 0; row < count; row++) {
    for (let d = 0; d < Math.min(2, dimensions); d++) map[2 * row + d] = valueAt(values, row * dimensions + d);
  }
  return {
    counts: tensorOf([1, mostClusters], counts),
    stability: tensorOf([1, 1], [stabilityOf(scores, grouping)]),
    labels: tensorOf([count, 1], labels),
    anomalies,
    deviations: tensorOf([count, deviations.byDimension.length / count], deviations.byDimension),
    similar: tensorOf([count, neighbours.each], neighbours.rows),
    map: tensorOf([count, 2], map),
  };
}

/** How large a table is and how much of it is missing; how many groups and how many rows that stand out were found. */
function observe({ inputs, outputs }: Said<'intuitive_analysis'>): Record<string, number> {
  const present = entry(inputs, 'present');
  const counts = firstRow(entry(outputs, 'counts'));
  const most = Math.max(...counts);
  return {
    rows: at(present.shape, 0),
    dimensions: at(present.shape, 1),
    missing: 1 - present.values.reduce((sum, is) => sum + is, 0) / present.values.length,
    groups: 1 + counts.indexOf(most),
    confidence: most,
    standingOut: shareOf(Array.from(entry(outputs, 'anomalies').values), (score) => score >= standsOut),
  };
}

export const intuitiveAnalysis: Model<'intuitive_analysis'> = {
  sessionType: 'intuitive_analysis',
  architecture: 2,
  encode: ({ impressions }) => encode(impressions),
  load({ tf }, weights): Predict {
    const live = toLive(tf, weights);
    return (sessions) => predictTables(tf, live, sessions);
  },
  observe,
  report: ({ input: { impressions }, outputs, model }) => [report(impressions, outputs, model)],
  example: {
    impressions: {
      dimensions: ['a', 'b'],
      rows: [
        [1, 2],
        [2, 1],
        [1, 1],
        [9, 9],
        [9, 8],
      ],
    },
  },
};
