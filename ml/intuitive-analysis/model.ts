import { at } from '../sequence.ts';
import type { Model } from '../model.ts';
import { oneByOne } from '../oneByOne.ts';
import {
  compute,
  entry,
  firstRow,
  type LiveTensors,
  type NamedTensors,
  tensorOf,
  type Tf,
  toLive,
} from '../tensors.ts';
import { encode } from './encode.ts';
import { anomalyLogits, countLogits, look, rowFactsOf } from './network.ts';
import { report } from './report.ts';

async function predictTable(tf: Tf, weights: LiveTensors, inputs: NamedTensors): Promise<NamedTensors> {
  const table = entry(inputs, 'table');
  const { scores, groupings, stabilities, facts } = await look(tf, table);
  const { counts } = await compute(tf, { facts }, (live) => ({
    counts: tf.softmax(countLogits(tf, weights, entry(live, 'facts'))),
  }));
  const probabilities = firstRow(counts ?? tensorOf([1, 0], [])).slice(0, groupings.length);
  const chosen = probabilities.indexOf(Math.max(...probabilities));
  const grouping = groupings[chosen];
  if (counts === undefined || grouping === undefined) throw new RangeError('No grouping came out');
  const { facts: ofRows, deviations } = rowFactsOf(table, grouping);
  const { anomalies } = await compute(tf, { ofRows }, (live) => ({
    anomalies: tf.sigmoid(anomalyLogits(tf, weights, entry(live, 'ofRows'))),
  }));
  const rows = scores.count;
  const map = Array.from({ length: rows }, (_, row) =>
    [0, 1].map((d) => (d < scores.dimensions ? at(scores.values, row * scores.dimensions + d) : 0)),
  );
  return {
    counts,
    grouping: tensorOf([1, 2], [chosen + 1, stabilities[chosen] ?? 1]),
    labels: tensorOf([rows, 1], grouping.labels),
    anomalies: anomalies ?? tensorOf([0, 1], []),
    deviations,
    map: tensorOf([rows, 2], map.flat()),
  };
}

export const intuitiveAnalysis: Model<'intuitive_analysis'> = {
  sessionType: 'intuitive_analysis',
  architecture: 1,
  encode: ({ impressions }) => encode(impressions),
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return oneByOne((inputs) => predictTable(tf, live, inputs));
  },
  observe: () => ({}),
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
