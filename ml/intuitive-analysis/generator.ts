import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { mostClusters, mostDimensions, mostRows } from './groupings.ts';

/** How often a simulated table has 1, 2, … groups: few are likelier than many, as in what people record. */
const groupShares = [0.2, 0.18, 0.18, 0.14, 0.1, 0.08, 0.06, 0.06];
/** What always guessing the likeliest number, which is one group, gets right. */
export const chanceOfCount = Math.max(...groupShares);

/**
 * How a row comes not to belong. Those that training sees: its values come from anywhere in the table's range; it lies
 * far out from its group in all directions. Those that training never sees: a few of its values are shifted; two of its
 * dimensions are swapped; values come from other rows, which breaks what goes together.
 */
const taughtAnomalies = ['scattered', 'far_out'] as const;
export const unseenAnomalies = ['shifted', 'swapped', 'broken_correlation'] as const;
export type Anomaly = (typeof taughtAnomalies)[number] | (typeof unseenAnomalies)[number];

export interface SimulatedTable {
  readonly impressions: IntuitiveAnalysisImpressions;
  /** The group that each row was drawn from. */
  readonly groups: readonly number[];
  readonly groupCount: number;
  /** Which rows do not belong. */
  readonly anomalous: readonly boolean[];
}

interface TableOptions {
  readonly groupCount?: number;
  readonly anomalies?: readonly Anomaly[];
}

/** What all rows of a table have in common. */
interface Plan {
  readonly dimensions: number;
  /** The middle of each group. */
  readonly middles: readonly (readonly number[])[];
  /** How each group's rows spread along what the dimensions share, by dimension: loadings, and how wide the group is. */
  readonly loadings: readonly (readonly number[])[];
  readonly widths: readonly number[];
  /** The share of each dimension's spread that is its own. */
  readonly own: readonly number[];
  readonly heavyTails: boolean;
}

/** A simulated table: groups of any widths around their own middles, some rows that do not belong, any units. */
export function simulateTable(random: Random, options: TableOptions = {}): SimulatedTable {
  const { groupCount = drawGroupCount(random), anomalies = taughtAnomalies } = options;
  const plan = planTable(random, groupCount, anomalies.includes('broken_correlation'));
  const count = random.int(Math.max(40, 8 * groupCount), random.chance(0.05) ? mostRows : 80);
  const weights = plan.middles.map(() => random.uniform(0.3, 1));
  const groups = Array.from({ length: count }, () => drawIndex(random, weights));
  const rows = groups.map((group) => drawRow(random, plan, group));
  const share = random.chance(0.2) ? 0 : random.uniform(0.01, 0.1);
  const spoilt = rows.map((row, r) =>
    random.chance(share) ? spoil(random, random.pick(anomalies), { plan, rows, row, group: at(groups, r) }) : null,
  );
  return {
    impressions: measured(
      random,
      rows.map((row, r) => spoilt[r] ?? row),
      plan.dimensions,
    ),
    groups,
    groupCount,
    anomalous: spoilt.map((row) => row !== null),
  };
}

function drawIndex(random: Random, weights: readonly number[]): number {
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  return Math.max(
    0,
    weights.findIndex((weight) => (left -= weight) < 0),
  );
}

function drawGroupCount(random: Random): number {
  return Math.min(mostClusters, 1 + drawIndex(random, groupShares));
}

function planTable(random: Random, groupCount: number, correlated: boolean): Plan {
  const dimensions = random.chance(0.1) ? random.int(9, mostDimensions) : random.int(2, 8);
  const apart = random.uniform(1.5, 6);
  const tellingShare = random.uniform(0.4, 1);
  const telling = Array.from({ length: dimensions }, () => random.chance(tellingShare));
  telling[random.int(0, dimensions - 1)] = true;
  const middles: number[][] = [];
  for (let group = 0; group < groupCount; group++) {
    middles.push(drawMiddle(random, telling, apart, middles));
  }
  const shared = correlated ? random.uniform(0.8, 0.95) : random.chance(0.3) ? 0 : random.uniform(0.1, 0.95);
  const direction = telling.map(() => random.pick([-1, 1]) * Math.sqrt(shared * random.uniform(0.7, 1)));
  const sameDirection = random.chance(0.7);
  return {
    dimensions,
    middles,
    loadings: middles.map(() =>
      sameDirection ? direction : direction.map((loading) => random.pick([-1, 1]) * loading),
    ),
    widths: middles.map(() => random.uniform(0.6, 1.4)),
    own: direction.map((loading) => Math.sqrt(1 - loading * loading)),
    heavyTails: random.chance(0.2),
  };
}

/** The middle of a group, drawn again a few times when it lies close to another: groups that nobody could part teach nothing. */
function drawMiddle(
  random: Random,
  telling: readonly boolean[],
  apart: number,
  others: readonly (readonly number[])[],
): number[] {
  let middle: number[] = [];
  for (let tries = 0; tries < 10; tries++) {
    middle = telling.map((tells) => (tells ? random.normal(0, apart) : 0));
    const nearest = Math.min(
      ...others.map((other) => middle.reduce((sum, value, d) => sum + (value - at(other, d)) ** 2, 0)),
    );
    if (nearest > 3.5 ** 2) break;
  }
  return middle;
}

/** A row of a group; `reach` widens it. */
function drawRow(random: Random, plan: Plan, group: number, reach = 1): number[] {
  const loadings = at(plan.loadings, group);
  // A t distribution with 5 degrees of freedom.
  const tail = plan.heavyTails ? Math.sqrt(5 / chiSquared(random, 5)) : 1;
  const scale = reach * tail * at(plan.widths, group);
  const shared = random.normal();
  return at(plan.middles, group).map(
    (middle, d) => middle + scale * (at(loadings, d) * shared + at(plan.own, d) * random.normal()),
  );
}

function chiSquared(random: Random, degrees: number): number {
  let sum = 0;
  for (let i = 0; i < degrees; i++) sum += random.normal() ** 2;
  return sum;
}

interface Spoiling {
  readonly plan: Plan;
  readonly rows: readonly (readonly number[])[];
  readonly row: readonly number[];
  readonly group: number;
}

/** Less than this, in the width of a row's group, could go unseen by anybody. */
const leastChange = 4;

/** The row after what makes it not belong; null where that would hardly change it. */
function spoil(random: Random, anomaly: Anomaly, { plan, rows, row, group }: Spoiling): readonly number[] | null {
  const width = at(plan.widths, group);
  const least = leastChange * width;
  switch (anomaly) {
    case 'scattered':
      return row.map((_, d) => {
        const [one, other] = [at(random.pick(rows), d), at(random.pick(rows), d)];
        return one + random.uniform(-1, 2) * (other - one);
      });
    case 'far_out':
      return drawRow(random, plan, group, random.uniform(3, 6));
    case 'shifted': {
      const shifted = someDimensions(random, row.length, 3);
      const by = random.uniform(4, 8) * width;
      return row.map((value, d) => (shifted.has(d) ? value + random.pick([-by, by]) : value));
    }
    case 'swapped': {
      // The two values that differ most.
      const [low, high] = [Math.min(...row), Math.max(...row)];
      if (high - low < least) return null;
      return row.map((value) => (value === low ? high : value === high ? low : value));
    }
    case 'broken_correlation': {
      const broken = someDimensions(random, row.length, row.length / 2);
      const other = row.map((value, d) =>
        broken.has(d) ? valueUnlike(random, rows, { value, dimension: d, least }) : value,
      );
      return other.every((value, d) => value === row[d]) ? null : other;
    }
  }
}

function someDimensions(random: Random, dimensions: number, most: number): ReadonlySet<number> {
  const count = random.int(1, Math.max(1, Math.min(Math.floor(most), dimensions)));
  return new Set(random.permutation(dimensions).slice(0, count));
}

/** Another row's value in a dimension, unlike this one's; this one's where none was found. */
function valueUnlike(
  random: Random,
  rows: readonly (readonly number[])[],
  { value, dimension, least }: { value: number; dimension: number; least: number },
): number {
  for (let tries = 0; tries < 20; tries++) {
    const other = at(at(rows, random.int(0, rows.length - 1)), dimension);
    if (Math.abs(other - value) >= least) return other;
  }
  return value;
}

/** Rows as a person writes them down: every dimension in its unit, some skewed, some counted in whole steps, some missing. */
function measured(
  random: Random,
  rows: readonly (readonly number[])[],
  dimensions: number,
): IntuitiveAnalysisImpressions {
  const missing = random.chance(0.5) ? random.uniform(0, 0.1) : 0;
  const oddShare = random.chance(0.4) ? random.uniform(0, 0.6) : 0;
  const scales = Array.from({ length: dimensions }, () => {
    const unit = 10 ** random.uniform(-2, 3);
    const offset = random.normal(0, 100);
    const odd = random.chance(oddShare) ? random.pick(['skewed', 'stepped'] as const) : 'even';
    const strength = random.uniform(0.1, 0.4);
    return (value: number): number => {
      switch (odd) {
        case 'even':
          return offset + unit * value;
        case 'skewed':
          return unit * Math.exp(strength * value);
        case 'stepped':
          return Math.round(strength * 4 * value);
      }
    };
  });
  return {
    dimensions: scales.map((_, d) => `dimension ${d + 1}`),
    rows: rows.map((row) =>
      row.map((value, d) => (missing > 0 && random.chance(missing) ? null : at(scales, d)(value))),
    ),
  };
}
