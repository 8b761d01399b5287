import { areaUnderCurve, expectedCalibrationError, meanOf, shareOf } from '../figures.ts';
import { fit } from '../fit.ts';
import type { Figure, Trainer, TrainingOptions } from '../model.ts';
import { Random } from '../random.ts';
import { entry, firstRow, type NamedTensors, rowsOf, stackRows, tensorOf, type Tf } from '../tensors.ts';
import { adjustedRandIndex } from './clusters.ts';
import { encode } from './encode.ts';
import { type SimulatedTable, simulateTable } from './generator.ts';
import { intuitiveAnalysis } from './model.ts';
import {
  anomalyLogits,
  countLogits,
  initialAnomalyWeights,
  initialCountWeights,
  look,
  mostClusters,
  rowFactsOf,
} from './network.ts';

interface Examples {
  readonly counts: NamedTensors;
  readonly rows: NamedTensors;
}

/** What the two networks learn from: a table's groupings with how many groups there were, rows with whether they belong. */
async function simulateExamples(
  tf: Tf,
  random: Random,
  count: number,
  progress: (line: string) => void,
): Promise<Examples> {
  const [counts, rows]: [NamedTensors[], NamedTensors[]] = [[], []];
  for (let i = 0; i < count; i++) {
    const { impressions, groupCount, anomalous } = simulateTable(random);
    const { table } = encode(impressions);
    const { facts, groupings } = await look(tf, table);
    const labels = Array.from({ length: mostClusters }, (_, k) => (k + 1 === groupCount ? 1 : 0));
    counts.push({ facts, labels: tensorOf([1, mostClusters], labels) });
    const grouping = groupings[groupCount - 1];
    if (grouping !== undefined) {
      rows.push({
        facts: rowFactsOf(table, grouping).facts,
        labels: tensorOf([anomalous.length, 1], anomalous.map(Number)),
      });
    }
    if ((i + 1) % 500 === 0) progress(`${i + 1} of ${count} tables`);
  }
  return { counts: stackRows(counts), rows: stackRows(rows) };
}

async function train({ tf, seed, sessions, progress }: TrainingOptions): Promise<NamedTensors> {
  progress(`simulating ${sessions} tables`);
  const { counts, rows } = await simulateExamples(tf, new Random(seed), sessions, progress);
  const countWeights = await fit({
    tf,
    seed: seed + 1,
    progress,
    initial: initialCountWeights(new Random(seed + 2)),
    examples: counts,
    epochs: 40,
    learningRate: 1e-2,
    loss: (weights, batch) =>
      tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), countLogits(tf, weights, entry(batch, 'facts'))),
  });
  const anomalyWeights = await fit({
    tf,
    seed: seed + 3,
    progress,
    initial: initialAnomalyWeights(new Random(seed + 4)),
    examples: rows,
    epochs: 4,
    batchSize: 512,
    learningRate: 5e-3,
    loss: (weights, batch) =>
      tf.losses.sigmoidCrossEntropy(entry(batch, 'labels'), anomalyLogits(tf, weights, entry(batch, 'facts'))),
  });
  return { ...countWeights, ...anomalyWeights };
}

async function judge(tf: Tf, weights: NamedTensors, tables: readonly SimulatedTable[]) {
  const predict = intuitiveAnalysis.load({ tf, backend: 'js', sentences: null }, weights);
  const judged = [];
  for (const table of tables) {
    const [outputs = {}] = await predict([encode(table.impressions)]);
    const [chosen = 1] = firstRow(entry(outputs, 'grouping'));
    const labels = rowsOf(entry(outputs, 'labels')).map(([label = 0]) => label);
    const { groupings } = await look(tf, encode(table.impressions).table);
    const scores = rowsOf(entry(outputs, 'anomalies')).map(([score = 0]) => score);
    judged.push({
      count: { probability: firstRow(entry(outputs, 'counts'))[chosen - 1] ?? 0, right: chosen === table.groupCount },
      chosen,
      groupCount: table.groupCount,
      likeness: adjustedRandIndex(labels, table.groups),
      likenessKnowing: adjustedRandIndex(groupings[table.groupCount - 1]?.labels ?? [], table.groups),
      rows: scores.map((probability, row) => ({ probability, right: table.anomalous[row] ?? false })),
    });
  }
  return judged;
}

export const intuitiveAnalysisTrainer: Trainer = {
  sessionType: 'intuitive_analysis',
  version: '1.0.0',
  defaultSessions: 5_000,
  train,
  async evaluate({ tf, weights, seed, sessions }): Promise<Figure[]> {
    const random = new Random(seed);
    const mixed = await judge(
      tf,
      weights,
      Array.from({ length: Math.ceil(sessions / 3) }, () => simulateTable(random)),
    );
    const grouped = mixed.filter(({ groupCount }) => groupCount > 1);
    const empty = await judge(
      tf,
      weights,
      Array.from({ length: Math.ceil(sessions / 6) }, () => simulateTable(random, 1)),
    );
    const rows = mixed.flatMap((one) => one.rows);
    const shuffled = random
      .permutation(rows.length)
      .map((from, i) => ({ probability: rows[i]?.probability ?? 0, right: rows[from]?.right ?? false }));
    return [
      {
        name: 'right number of groups',
        value: shareOf(mixed, ({ count }) => count.right),
        chance: 1 / mostClusters,
        chanceIs: `one of ${mostClusters}`,
      },
      {
        name: 'number of groups: calibration error',
        value: expectedCalibrationError(mixed.map(({ count }) => count)),
        chance: 0,
        chanceIs: 'perfect calibration',
      },
      {
        name: 'adjusted Rand index',
        value: meanOf(grouped.map(({ likeness }) => likeness)),
        chance: 0,
        chanceIs: 'groups at random',
      },
      {
        name: 'adjusted Rand index of k-means that is told the number',
        value: meanOf(grouped.map(({ likenessKnowing }) => likenessKnowing)),
        chance: 0,
        chanceIs: 'groups at random',
      },
      {
        name: 'rows that stand out: area under the curve',
        value: areaUnderCurve(rows),
        chance: 0.5,
        chanceIs: 'a coin toss',
      },
      {
        name: 'rows that stand out: calibration error',
        value: expectedCalibrationError(rows),
        chance: 0,
        chanceIs: 'perfect calibration',
      },
      {
        name: 'no groups: says that there are none',
        value: shareOf(empty, ({ chosen }) => chosen === 1),
        chance: 1 / mostClusters,
        chanceIs: `one of ${mostClusters}`,
      },
      {
        name: 'rows marked at random: area under the curve',
        value: areaUnderCurve(shuffled),
        chance: 0.5,
        chanceIs: 'a coin toss',
      },
    ];
  },
};
