import type { Random } from '../random.ts';
import { type Points, valueAt } from './points.ts';

/** The paper's own settings. */
const [trees, sampleSize] = [100, 256];

type Tree = { rows: number } | { dimension: number; cut: number; below: Tree; above: Tree };

/** How anomalous each row is by an isolation forest (Liu, Ting, Zhou 2008): the baseline that the model is held against. */
export function isolationScores(random: Random, points: Points): number[] {
  const size = Math.min(sampleSize, points.count);
  const most = Math.ceil(Math.log2(size));
  const forest = Array.from({ length: trees }, () =>
    grow(random, points, random.permutation(points.count).slice(0, size), most),
  );
  return Array.from({ length: points.count }, (_, row) => {
    const depth = forest.reduce((sum, tree) => sum + depthOf(tree, points, row), 0) / trees;
    return 2 ** (-depth / usualDepth(size));
  });
}

function grow(random: Random, points: Points, rows: readonly number[], levels: number): Tree {
  if (levels === 0 || rows.length <= 1) return { rows: rows.length };
  const dimension = random.int(0, points.dimensions - 1);
  const values = rows.map((row) => valueAt(points.values, row * points.dimensions + dimension));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) return { rows: rows.length };
  const cut = random.uniform(low, high);
  return {
    dimension,
    cut,
    below: grow(
      random,
      points,
      rows.filter((_, i) => (values[i] ?? 0) < cut),
      levels - 1,
    ),
    above: grow(
      random,
      points,
      rows.filter((_, i) => (values[i] ?? 0) >= cut),
      levels - 1,
    ),
  };
}

function depthOf(tree: Tree, points: Points, row: number): number {
  if ('rows' in tree) return usualDepth(tree.rows);
  const value = valueAt(points.values, row * points.dimensions + tree.dimension);
  return 1 + depthOf(value < tree.cut ? tree.below : tree.above, points, row);
}

/** The mean depth of a search among so many rows (the paper's equation 1). */
function usualDepth(rows: number): number {
  if (rows <= 1) return 0;
  if (rows === 2) return 1;
  return 2 * (Math.log(rows - 1) + 0.5772156649) - (2 * (rows - 1)) / rows;
}
