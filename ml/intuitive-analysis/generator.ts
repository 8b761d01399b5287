import { at } from '../sequence.ts';
import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { mostClusters } from './network.ts';

export interface SimulatedTable {
  readonly impressions: IntuitiveAnalysisImpressions;
  /** The group that each row was drawn from. */
  readonly groups: number[];
  readonly groupCount: number;
  /** Which rows were shifted away from their group. */
  readonly anomalous: boolean[];
}

/** A simulated table: groups around their own middles, some rows shifted away, some values missing, any units. */
export function simulateTable(random: Random, groupCount = random.int(1, mostClusters)): SimulatedTable {
  const dimensions = random.int(2, 12);
  const rows = random.int(Math.max(30, groupCount * 12), 260);
  const tellingShare = random.uniform(0.4, 1);
  const telling = Array.from({ length: dimensions }, () => random.chance(tellingShare));
  const apart = random.uniform(2, 10);
  const middles = Array.from({ length: groupCount }, () =>
    telling.map((tells) => (tells ? random.normal(0, apart) : 0)),
  );
  const weights = middles.map(() => random.uniform(0.4, 1));
  const mixing = Array.from({ length: dimensions }, () => random.normal(0, 0.4));
  const units = mixing.map(() => [random.normal(0, 100), 10 ** random.uniform(-2, 3)] as const);
  const missing = random.chance(0.5) ? random.uniform(0, 0.1) : 0;
  const drawGroup = () => {
    let left = random.uniform(
      0,
      weights.reduce((sum, weight) => sum + weight, 0),
    );
    return Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) < 0),
    );
  };
  const drawn = Array.from({ length: rows }, () => {
    const group = drawGroup();
    const anomalous = random.chance(0.04);
    const shared = random.normal();
    const shifted = new Set(anomalous ? random.permutation(dimensions).slice(0, random.int(1, 3)) : []);
    const values = (middles[group] ?? []).map((middle, d) => {
      const shift = shifted.has(d) ? random.pick([-1, 1]) * random.uniform(4, 9) : 0;
      const [offset, unit] = units[d] ?? [0, 1];
      return random.chance(missing)
        ? null
        : offset + unit * (middle + random.normal() + shared * at(mixing, d) + shift);
    });
    return { group, anomalous, values };
  });
  return {
    impressions: { dimensions: units.map((_, d) => `dimension ${d + 1}`), rows: drawn.map(({ values }) => values) },
    groups: drawn.map(({ group }) => group),
    groupCount,
    anomalous: drawn.map(({ anomalous }) => anomalous),
  };
}
