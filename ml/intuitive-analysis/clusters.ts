import { at } from '../sequence.ts';
import { meanOf } from '../figures.ts';
import type { Random } from '../random.ts';
import { type Points, squaredDistance, takePoints } from './points.ts';

export interface Clustering {
  /** The cluster of each row, from 0. */
  readonly labels: number[];
  readonly centres: Points;
  /** The sum of squared distances to the centres. */
  readonly inertia: number;
}

const rounds = 30;

/** The nearest centre of every row. */
export function assign(points: Points, centres: Points): { labels: number[]; inertia: number } {
  const labels: number[] = [];
  let inertia = 0;
  for (let row = 0; row < points.count; row++) {
    let [nearest, least] = [0, Infinity];
    for (let centre = 0; centre < centres.count; centre++) {
      const distance = squaredDistance(points, row, centres, centre);
      if (distance < least) [nearest, least] = [centre, distance];
    }
    labels.push(nearest);
    inertia += least;
  }
  return { labels, inertia };
}

/** First centres far from each other: k-means++ (Arthur, Vassilvitskii 2007). */
function firstCentres(random: Random, points: Points, count: number): Points {
  const chosen = [random.int(0, points.count - 1)];
  const nearest = Array.from({ length: points.count }, () => Infinity);
  while (chosen.length < count) {
    const latest = chosen.at(-1) ?? 0;
    let total = 0;
    for (let row = 0; row < points.count; row++) {
      nearest[row] = Math.min(nearest[row] ?? Infinity, squaredDistance(points, row, points, latest));
      total += at(nearest, row);
    }
    let left = random.uniform(0, total);
    const next = nearest.findIndex((distance) => (left -= distance) < 0);
    chosen.push(next >= 0 ? next : random.int(0, points.count - 1));
  }
  return takePoints(points, chosen);
}

function centresOf(points: Points, labels: readonly number[], before: Points): Points {
  const { dimensions } = points;
  const values = new Float32Array(before.values.length);
  const counts = Array.from({ length: before.count }, () => 0);
  labels.forEach((label, row) => {
    counts[label] = at(counts, label) + 1;
    for (let d = 0; d < dimensions; d++) {
      const slot = label * dimensions + d;
      values[slot] = at(values, slot) + at(points.values, row * dimensions + d);
    }
  });
  values.forEach((sum, slot) => {
    const count = at(counts, Math.floor(slot / dimensions));
    values[slot] = count > 0 ? sum / count : at(before.values, slot);
  });
  return { ...before, values };
}

/** Moves centres to the middle of their rows until nothing changes. */
export function settle(points: Points, start: Points, limit = rounds): Clustering {
  let centres = start;
  let found = assign(points, centres);
  for (let round = 0; round < limit; round++) {
    centres = centresOf(points, found.labels, centres);
    const next = assign(points, centres);
    const settled = next.inertia > found.inertia * (1 - 1e-4);
    found = next;
    if (settled) break;
  }
  return { ...found, centres };
}

/** K-means, the best of some tries (Lloyd 1982). */
export function kMeans(random: Random, points: Points, count: number, tries = 3): Clustering {
  const found = Array.from({ length: tries }, () => settle(points, firstCentres(random, points, count)));
  return found.reduce((best, one) => (one.inertia < best.inertia ? one : best));
}

/** How alike two ways to group the same rows are: 1 the same, 0 what chance gives (Hubert, Arabie 1985). */
export function adjustedRandIndex(a: readonly number[], b: readonly number[]): number {
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const tally = (keys: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts.values()].reduce((sum, count) => sum + pairs(count), 0);
  };
  const together = tally(a.map((label, i) => `${label},${b[i] ?? -1}`));
  const [ofA, ofB] = [tally(a.map(String)), tally(b.map(String))];
  const expected = (ofA * ofB) / Math.max(1, pairs(a.length));
  const most = (ofA + ofB) / 2;
  return most === expected ? 1 : (together - expected) / (most - expected);
}

/** How much closer rows are to their own cluster than to the next one: -1 to 1 (Rousseeuw 1987). */
export function silhouette(points: Points, labels: readonly number[], count: number): number {
  const scores = labels.flatMap((own, row) => {
    const sums = Array.from({ length: count }, () => 0);
    const members = Array.from({ length: count }, () => 0);
    labels.forEach((label, other) => {
      if (other === row) return;
      sums[label] = at(sums, label) + Math.sqrt(squaredDistance(points, row, points, other));
      members[label] = at(members, label) + 1;
    });
    const means = sums.map((sum, label) => (at(members, label) > 0 ? sum / (members[label] ?? 1) : Infinity));
    if (at(members, own) === 0) return [0];
    const inside = at(means, own);
    const next = Math.min(...means.filter((_, label) => label !== own));
    return Number.isFinite(next) ? [(next - inside) / Math.max(inside, next, 1e-12)] : [];
  });
  return meanOf(scores);
}

/** How alike the clusters come out when some rows are left out: the mean adjusted Rand index with the full grouping. */
export function stabilityOf(
  random: Random,
  points: Points,
  labels: readonly number[],
  count: number,
  draws: number,
): number {
  if (count < 2) return 1;
  const likenesses = Array.from({ length: draws }, () => {
    const rows = random.permutation(points.count).slice(0, Math.max(count, Math.floor(points.count * 0.7)));
    const again = kMeans(random, takePoints(points, rows), count, 1);
    return adjustedRandIndex(
      again.labels,
      rows.map((row) => at(labels, row)),
    );
  });
  return meanOf(likenesses);
}
