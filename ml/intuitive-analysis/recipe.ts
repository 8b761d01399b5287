import { areaUnderCurve, meanOf } from '../../domain/statistics.ts';
import { type Claim, expectedCalibrationError, findRescaling, shareOf } from '../figures.ts';
import type { Figure } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import {
  compute,
  entry,
  firstRow,
  type NamedTensor,
  type NamedTensors,
  stackRows,
  takeRows,
  tensorOf,
  toLive,
} from '../tensors.ts';
import type { Examples, KnownSession, MeasureOptions, Recipe, SimulateOptions } from '../training/recipe.ts';
import { likenessOf } from './clusters.ts';
import { groupRows } from './deviations.ts';
import { encode, type EncodedTable, tableOf } from './encode.ts';
import { type Anomaly, chanceOfCount, type SimulatedTable, simulateTable, unseenAnomalies } from './generator.ts';
import { type Grouping, labelsOf, look, mostClusters, type Seen } from './groupings.ts';
import { isolationScores } from './isolationForest.ts';
import { intuitiveAnalysis } from './model.ts';
import { wholeAt } from './points.ts';
import {
  choiceOf,
  groupingChoices,
  groupingLogits,
  initialGroupingWeights,
  initialRowWeights,
  rowLogits,
  uncalibrated,
} from './network.ts';

/** So many rows of each table are learned from: more of one table tell little that is new. */
const rowsPerTable = 8;

/** What is known to be true of a table; null where it is not known of a row. */
interface Truth {
  readonly groups?: readonly (number | null)[];
  readonly groupCount?: number;
  readonly anomalous?: readonly boolean[];
}

/** What both networks learn from a table; a network has no part in it where its truth is not known. */
function learnFromTable(
  random: Random,
  inputs: EncodedTable,
  { groups = [], groupCount, anomalous }: Truth,
): { grouping?: NamedTensors; rows?: NamedTensors } {
  const table = tableOf(inputs);
  const seen = look(table);
  const right = groupCount === undefined ? [] : likenessesTo(seen, groups, groupCount);
  const best = right.toSorted((a, b) => b.likeness - a.likeness)[0]?.grouping ?? mostEvident(seen.groupings);
  return {
    ...(right.length > 0 && {
      grouping: { facts: tensorOf([1, seen.facts.length], seen.facts), labels: labelOf(right) },
    }),
    ...(anomalous !== undefined && {
      rows: takeRows(
        {
          facts: groupRows(table, seen.scores, best).facts,
          labels: tensorOf([table.count, 1], anomalous.map(Number)),
        },
        random.permutation(table.count).slice(0, rowsPerTable),
      ),
    }),
  };
}

/** The groupings into the right number of groups, with how alike each is to the right groups. */
function likenessesTo({ scores, groupings }: Seen, groups: readonly (number | null)[], groupCount: number) {
  const known = groups.flatMap((group, row) => (group === null ? [] : [{ group, row }]));
  return groupings
    .filter(({ clusters }) => clusters.sizes.length === groupCount)
    .map((grouping) => {
      const labels = labelsOf(scores, grouping.clusters);
      const likeness = likenessOf(
        known.map(({ row }) => wholeAt(labels, row)),
        known.map(({ group }) => group),
      );
      return { grouping, likeness };
    });
}

/** Which choice is right: of the two shapes the one whose groups are more alike to the right ones, or both by half. */
function labelOf(right: readonly { grouping: Grouping; likeness: number }[]): NamedTensor {
  const most = Math.max(...right.map(({ likeness }) => likeness));
  const best = right.filter(({ likeness }) => likeness === most);
  const labels = new Float32Array(groupingChoices);
  for (const { grouping } of best) labels[choiceOf(grouping.clusters)] = 1 / best.length;
  return tensorOf([1, groupingChoices], labels);
}

function mostEvident(groupings: readonly Grouping[]): Grouping {
  return groupings.reduce((best, other) => (other.evidence > best.evidence ? other : best));
}

/** After so many tables the event loop gets its turn. */
const tablesPerTurn = 20;

async function simulate({ random, sessions }: Omit<SimulateOptions, 'runtime'>): Promise<Examples> {
  const [groupings, rows]: [NamedTensors[], NamedTensors[]] = [[], []];
  for (let i = 0; i < sessions; i++) {
    const { impressions, ...truth } = simulateTable(random);
    const learned = learnFromTable(random, encode(impressions), truth);
    if (learned.grouping !== undefined) groupings.push(learned.grouping);
    if (learned.rows !== undefined) rows.push(learned.rows);
    if (i % tablesPerTurn === 0) await new Promise(setImmediate);
  }
  return { grouping: stackRows(groupings), rows: stackRows(rows) };
}

/** What an outcome tells of a real table. */
function learnFrom({ impressions, outcome }: KnownSession<'intuitive_analysis'>): Promise<Examples | null> {
  const { length } = impressions.rows;
  const { anomalies, groups } = outcome;
  const standsOut = new Set(anomalies);
  const learned = learnFromTable(new Random(length), encode(impressions), {
    ...(anomalies !== undefined && { anomalous: impressions.rows.map((_, row) => standsOut.has(row)) }),
    ...groupsOf(groups, length),
  });
  return Promise.resolve(Object.keys(learned).length > 0 ? learned : null);
}

/** The groups of an outcome as numbers; nothing unless they are known of most rows and can be told apart. */
function groupsOf(names: readonly (string | null)[] | undefined, rows: number): Pick<Truth, 'groups' | 'groupCount'> {
  if (names?.length !== rows) return {};
  const different = [...new Set(names.filter((name) => name !== null))];
  const known = names.filter((name) => name !== null).length;
  if (known < rows / 2 || different.length > mostClusters) return {};
  return {
    groups: names.map((name) => (name === null ? null : different.indexOf(name))),
    groupCount: different.length,
  };
}

/** What the model said of a simulated table, beside what is true of it. */
interface Judged {
  readonly table: SimulatedTable;
  readonly encoded: EncodedTable;
  /** Whether the number of groups is right, and how surely. */
  readonly count: Claim;
  readonly found: number;
  readonly likeness: number;
  readonly rows: readonly Claim[];
}

/** So many tables go through the model together. */
const together = 20;

async function judge(
  { runtime, weights, random, sessions }: MeasureOptions,
  options: { groupCount?: number; anomalies?: readonly Anomaly[] } = {},
): Promise<Judged[]> {
  const predict = intuitiveAnalysis.load(runtime, weights);
  const judged: Judged[] = [];
  while (judged.length < sessions) {
    const tables = Array.from({ length: Math.min(together, sessions - judged.length) }, () =>
      simulateTable(random, options),
    );
    const encoded = tables.map(({ impressions }) => encode(impressions));
    const answers = await predict(encoded);
    tables.forEach((table, i) => {
      const outputs = at(answers, i);
      const counts = firstRow(entry(outputs, 'counts'));
      const probability = Math.max(...counts);
      const found = 1 + counts.indexOf(probability);
      judged.push({
        table,
        encoded: at(encoded, i),
        count: { probability, right: found === table.groupCount },
        found,
        likeness: likenessOf(entry(outputs, 'labels').values, table.groups),
        rows: Array.from(entry(outputs, 'anomalies').values, (score, row) => ({
          probability: score,
          right: at(table.anomalous, row),
        })),
      });
    });
  }
  return judged;
}

/** So many rows are enough to set two numbers. */
const calibrationRows = 30_000;

/** One temperature for the numbers of groups (Guo et al. 2017), stretch and shift for the rows that stand out (Platt 1999). */
async function calibrate(options: MeasureOptions): Promise<NamedTensors> {
  const { weights, random, sessions } = options;
  const half = Math.ceil(sessions / 2);
  const temperature = await temperatureFor({ ...options, sessions: half });
  const set = { ...weights, ...uncalibrated, 'grouping/temperature': tensorOf([1], [temperature]) };
  const rows = (await judge({ ...options, weights: set, sessions: half })).flatMap((one) => one.rows);
  const some = random.permutation(rows.length).slice(0, calibrationRows);
  return { ...set, 'rows/scaling': tensorOf([2], findRescaling(some.map((row) => at(rows, row)))) };
}

/** The temperature by which right groupings surprise least. */
async function temperatureFor({ runtime: { tf }, weights, ...options }: MeasureOptions): Promise<number> {
  const { grouping = {} } = await simulate(options);
  const live = toLive(tf, weights);
  const said = await compute(tf, grouping, ({ facts, labels }) => {
    if (facts === undefined || labels === undefined) throw new RangeError('No tables were simulated');
    const logits = groupingLogits(tf, live, facts);
    return { losses: tf.stack(temperatures.map((t) => tf.losses.softmaxCrossEntropy(labels, tf.div(logits, t)))) };
  });
  tf.dispose(live);
  const losses = Array.from(entry(said, 'losses').values);
  return at(temperatures, losses.indexOf(Math.min(...losses)));
}
const temperatures = Array.from({ length: 41 }, (_, i) => 2 ** ((i - 20) / 20));

/** Where the isolation forest's view of a table stands beside the model's. */
function forestClaims(random: Random, { table, encoded }: Judged): Claim[] {
  const scores = isolationScores(random, tableOf(encoded));
  return scores.map((probability, row) => ({ probability, right: at(table.anomalous, row) }));
}

async function evaluate(options: MeasureOptions): Promise<Figure[]> {
  const { random, sessions } = options;
  const some = (share: number) => ({ ...options, sessions: Math.ceil(sessions * share) });
  const mixed = await judge(some(1 / 2));
  const grouped = mixed.filter(({ table }) => table.groupCount > 1);
  const empty = await judge(some(1 / 8), { groupCount: 1 });
  const rows = mixed.flatMap((one) => one.rows);
  const shuffled = random
    .permutation(rows.length)
    .map((from, i) => ({ probability: at(rows, i).probability, right: at(rows, from).right }));
  const unseen: { name: string; judged: Judged[] }[] = [];
  for (const anomaly of unseenAnomalies) {
    unseen.push({
      name: `rows that stand out, never taught: ${anomaly.replaceAll('_', ' ')}`,
      judged: await judge(some(1 / 12), { anomalies: [anomaly] }),
    });
  }
  const standingOut = [
    { name: 'rows that stand out, as taught', judged: mixed.slice(0, Math.ceil(sessions / 12)) },
    { name: unseenFigure, judged: unseen.flatMap(({ judged }) => judged) },
    ...unseen,
  ].map(({ name, judged }) => ({
    name: `${name}: area under the curve`,
    value: areaUnderCurve(judged.flatMap((one) => one.rows)),
    chance: areaUnderCurve(judged.flatMap((one) => forestClaims(random, one))),
    chanceIs: 'isolation forest on the same tables (a coin toss: 0.5)',
  }));
  return [
    {
      name: 'right number of groups',
      value: shareOf(mixed, ({ count }) => count.right),
      chance: chanceOfCount,
      chanceIs: 'always the likeliest number',
    },
    {
      name: 'number of groups: calibration error',
      value: expectedCalibrationError(mixed.map(({ count }) => count)),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
    {
      name: likenessFigure,
      value: meanOf(grouped.map(({ likeness }) => likeness)),
      chance: meanOf(grouped.map(likenessKnowing)),
      chanceIs: 'k-means that is told the number (groups at random: 0)',
    },
    {
      name: 'no groups: says that there are none',
      value: shareOf(empty, ({ found }) => found === 1),
      chance: chanceOfCount,
      chanceIs: 'how often there are none when tables are mixed',
    },
    ...standingOut,
    {
      name: 'rows that stand out: calibration error',
      value: expectedCalibrationError(rows),
      chance: 0,
      chanceIs: 'perfect calibration',
    },
    {
      name: 'rows marked at random: area under the curve',
      value: areaUnderCurve(shuffled),
      chance: 0.5,
      chanceIs: 'a coin toss',
    },
  ];
}

const likenessFigure = 'adjusted Rand index';
const unseenFigure = 'rows that stand out, of kinds never taught';

/** How alike the groups of k-means are to the right ones when it is told how many there are. */
function likenessKnowing({ table: { groups, groupCount }, encoded }: Judged): number {
  const round = likenessesTo(look(tableOf(encoded)), groups, groupCount).find(
    ({ grouping }) => grouping.clusters.shape === 'round',
  );
  return round?.likeness ?? 0;
}

export const intuitiveAnalysisRecipe: Recipe<'intuitive_analysis'> = {
  model: intuitiveAnalysis,
  version: '2.0.0',
  specifiedSessions: 300_000,
  epochs: 8,
  networks: {
    grouping: {
      batchSize: 256,
      learningRate: 3e-3,
      initial: initialGroupingWeights,
      loss: (tf, weights, batch) =>
        tf.losses.softmaxCrossEntropy(entry(batch, 'labels'), groupingLogits(tf, weights, entry(batch, 'facts'))),
    },
    rows: {
      batchSize: 1_024,
      learningRate: 5e-3,
      initial: initialRowWeights,
      loss: (tf, weights, batch) =>
        tf.losses.sigmoidCrossEntropy(entry(batch, 'labels'), rowLogits(tf, weights, entry(batch, 'facts'))),
    },
  },
  simulate,
  learnFrom,
  session: (random) => ({ impressions: simulateTable(random).impressions }),
  calibrate,
  evaluate,
  decisive: { figure: likenessFigure, better: 'higher' },
};
