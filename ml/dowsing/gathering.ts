import { at } from '../sequence.ts';
import { cellCount, cellsPerSide, type Grid, partOf } from './grid.ts';
import type { Reactions, UnitPoint } from './reactions.ts';

/**
 * A hypothesis says how reactions could have come about: each is meant, with the signal's share, and then lies around
 * what is sought by the scatter; or it means nothing and lies anywhere. (Clusters among clutter as a mixture: Dasgupta
 * and Raftery 1998.) There is one for each scatter with each signal.
 */
const signals = [0.3, 0.75] as const;
/** The deviation of a meant reaction, in shares of the region's diagonal. */
const scatters = [0.025, 0.05, 0.1] as const;
export const hypothesisCount = scatters.length * signals.length;

/** By how much a person aims past what is sought, in shares of the diagonal: no posterior is sharper than this. */
const aimError = 0.02;
/** Bins on each side of what reactions and ways are counted in. */
const binsPerSide = 72;
/** More reactions than this count as this many: so many at one place are no longer independent of each other. */
const mostReactions = 60;
/** A place that nobody came near has at least this likelihood of a meant reaction elsewhere. */
const leastReach = 0.05;
/** Below this density, against an even one, a reaction counts as not meant. */
const leastDensity = 1e-3;

/** What a hypothesis makes of a search: the posterior over the cells, and how likely it makes the reactions. */
interface Gathering {
  /** Adds to 1. */
  readonly cells: Float64Array;
  /** The natural logarithm of how many times likelier the reactions are than if they lay anywhere. */
  readonly logEvidence: number;
}

/** A bin that is not empty, with its share of all that was counted. */
interface Bin {
  readonly row: number;
  readonly column: number;
  readonly share: number;
}

/** Counts places in bins; where no weight is above zero every place counts the same. */
function binned(points: readonly UnitPoint[]): Bin[] {
  const total = points.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<number, number>();
  for (const { x, y, weight } of points) {
    const bin = partOf(y, binsPerSide) * binsPerSide + partOf(x, binsPerSide);
    shares.set(bin, (shares.get(bin) ?? 0) + (total > 0 ? weight / total : 1 / points.length));
  }
  return [...shares]
    .filter(([, share]) => share > 0)
    .map(([bin, share]) => ({ row: Math.floor(bin / binsPerSide), column: bin % binsPerSide, share }));
}

/** How many reactions of equal weight say as much (Kish 1965). */
export function effectiveCount(points: readonly UnitPoint[]): number {
  const [sum, squares] = points.reduce(([s, q], { weight }) => [s + weight, q + weight ** 2], [0, 0]);
  return Math.min(mostReactions, squares > 0 ? sum ** 2 / squares : points.length);
}

/** Who could point anywhere could have reacted anywhere. */
const everywhere = new Float64Array(cellCount).fill(1);

/** What every hypothesis makes of a search, scatter by scatter. */
export function gatheringsOf({ points, walked }: Reactions, grid: Grid): Gathering[] {
  const reactions = binned(points);
  const count = effectiveCount(points);
  const way = walked === null ? null : binned(walked);
  const diagonalKm = Math.hypot(grid.widthKm, grid.heightKm);
  const [scaleX, scaleY] = [diagonalKm / grid.widthKm, diagonalKm / grid.heightKm];
  const [blurX, blurY] = [kernelTable(aimError * scaleX, cellsPerSide), kernelTable(aimError * scaleY, cellsPerSide)];
  return scatters.flatMap((scatter) => {
    const [alongX, alongY] = [kernelTable(scatter * scaleX, binsPerSide), kernelTable(scatter * scaleY, binsPerSide)];
    const reach = way === null ? everywhere : reachOf(way, alongX, alongY);
    const logs = signals.map((signal) => logLikelihoodOf(reactions, { signal, count, alongX, alongY, reach }));
    return logs.map((log) => {
      const { cells, logEvidence } = posteriorOf(log, grid);
      return { cells: blurred(cells, blurX, blurY), logEvidence };
    });
  });
}

/**
 * A Gaussian around the middle of every cell of a side [cells, parts] as a density over the parts of that side, against
 * an even one: it is cut off at the region's edges, so each row's mean is 1. A cell is a whole number of parts.
 */
function kernelTable(deviation: number, parts: number): Float64Array {
  const perCell = parts / cellsPerSide;
  const first = parts - perCell;
  const byDistance = Float64Array.from({ length: first + parts }, (_, i) => {
    const distance = (i - first + (1 - perCell) / 2) / parts / deviation;
    return Math.exp(-0.5 * distance * distance);
  });
  const table = new Float64Array(cellsPerSide * parts);
  for (let cell = 0; cell < cellsPerSide; cell++) {
    const from = first - cell * perCell;
    let sum = 0;
    for (let part = 0; part < parts; part++) sum += byDistance[from + part] ?? 0;
    for (let part = 0; part < parts; part++)
      table[cell * parts + part] = ((byDistance[from + part] ?? 0) * parts) / sum;
  }
  return table;
}

/** How much of a meant reaction's density lies on the way, by cell: who did not come near could not react there. */
function reachOf(way: readonly Bin[], alongX: Float64Array, alongY: Float64Array): Float64Array {
  const reach = new Float64Array(cellCount).fill(leastReach);
  for (const { row, column, share } of way) {
    for (let cellRow = 0; cellRow < cellsPerSide; cellRow++) {
      const y = share * (alongY[cellRow * binsPerSide + row] ?? 0);
      if (y < leastDensity) continue;
      for (let cellColumn = 0, cell = cellRow * cellsPerSide; cellColumn < cellsPerSide; cellColumn++, cell++) {
        reach[cell] = (reach[cell] ?? 0) + y * (alongX[cellColumn * binsPerSide + column] ?? 0);
      }
    }
  }
  return reach;
}

interface Likelihood {
  readonly signal: number;
  /** How many reactions there are in all. */
  readonly count: number;
  readonly alongX: Float64Array;
  readonly alongY: Float64Array;
  readonly reach: Float64Array;
}

/** How many times likelier the reactions are than anywhere, if what is sought lies in a cell (natural logarithm). */
function logLikelihoodOf(
  reactions: readonly Bin[],
  { signal, count, alongX, alongY, reach }: Likelihood,
): Float64Array {
  const logs = new Float64Array(cellCount).fill(count * Math.log(1 - signal));
  const odds = signal / (1 - signal);
  for (const { row, column, share } of reactions) {
    for (let cellRow = 0; cellRow < cellsPerSide; cellRow++) {
      const y = alongY[cellRow * binsPerSide + row] ?? 0;
      if (y < leastDensity) continue;
      for (let cellColumn = 0, cell = cellRow * cellsPerSide; cellColumn < cellsPerSide; cellColumn++, cell++) {
        const density = y * (alongX[cellColumn * binsPerSide + column] ?? 0);
        if (density < leastDensity) continue;
        logs[cell] = (logs[cell] ?? 0) + count * share * Math.log(1 + (odds * density) / (reach[cell] ?? 1));
      }
    }
  }
  return logs;
}

/** Bayes' rule over the cells, each as likely beforehand as its area is large. */
function posteriorOf(logLikelihood: Float64Array, { rowShares }: Grid): Gathering {
  const highest = logLikelihood.reduce((most, value) => Math.max(most, value), -Infinity);
  let sum = 0;
  const cells = logLikelihood.map((value, cell) => {
    const area = at(rowShares, Math.floor(cell / cellsPerSide)) / cellsPerSide;
    const mass = area * Math.exp(value - highest);
    sum += mass;
    return mass;
  });
  return { cells: cells.map((mass) => mass / sum), logEvidence: highest + Math.log(sum) };
}

/** Spreads each cell's probability by the tables' kernels; none of it leaves the region. */
function blurred(cells: Float64Array, blurX: Float64Array, blurY: Float64Array): Float64Array {
  const along = spread(cells, blurX, 1, cellsPerSide);
  return spread(along, blurY, cellsPerSide, 1);
}

function spread(cells: Float64Array, table: Float64Array, step: number, lineStep: number): Float64Array {
  const to = new Float64Array(cellCount);
  for (let line = 0; line < cellsPerSide; line++) {
    for (let i = 0; i < cellsPerSide; i++) {
      const mass = (cells[line * lineStep + i * step] ?? 0) / cellsPerSide;
      if (mass < 1e-9) continue;
      for (let j = 0; j < cellsPerSide; j++) {
        const into = line * lineStep + j * step;
        to[into] = (to[into] ?? 0) + mass * (table[i * cellsPerSide + j] ?? 0);
      }
    }
  }
  return to;
}
