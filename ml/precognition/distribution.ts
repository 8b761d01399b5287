import { at } from '../sequence.ts';

/** The levels whose quantiles a forecast gives. */
export const levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95] as const;
const middleLevel = 3;

/** Where the quantiles of a band of 80% and its middle stand among the levels. */
export const band = { q10: 1, q50: middleLevel, q90: 5 } as const;

/**
 * A distribution as the network says it, so that its quantiles cannot cross: the middle, then the distances from each
 * quantile to the next further out, first downwards (25%, 10%, 5%), then upwards (75%, 90%, 95%).
 */
export const partCount = 7;

/** Of what a forecast gives distributions at each step: the value itself, and the extremes until then. */
const quantities = ['value', 'highest', 'lowest'] as const;
export type Quantity = (typeof quantities)[number];

/** The parts of all quantities at a step, one after the other: how long such a row is. */
export const rowLength = quantities.length * partCount;

/** How each quantile adds up from the parts: [part][level]. */
export const sumsToQuantiles: number[][] = Array.from({ length: partCount }, (_, part) =>
  levels.map((_level, l) => {
    if (part === 0) return 1;
    const [distance, side] = part <= middleLevel ? [part, -1] : [part - middleLevel, 1];
    return (l - middleLevel) * side >= distance ? side : 0;
  }),
);

/** The quantiles of one quantity, at `levels`, from the row of a step. */
export function quantilesOf(row: Float32Array, quantity: Quantity): number[] {
  const start = quantities.indexOf(quantity) * partCount;
  return levels.map((_, l) =>
    sumsToQuantiles.reduce((sum, sums, part) => sum + at(sums, l) * at(row, start + part), 0),
  );
}

/** The parts that quantiles at `levels` come from. */
export function partsOf(quantiles: readonly number[]): number[] {
  const distance = (near: number, far: number) => Math.abs(at(quantiles, far) - at(quantiles, near));
  return [
    at(quantiles, middleLevel),
    ...[1, 2, 3].map((k) => distance(middleLevel - k + 1, middleLevel - k)),
    ...[1, 2, 3].map((k) => distance(middleLevel + k - 1, middleLevel + k)),
  ];
}

/**
 * The probability that lies below a value, without what lies on it: straight between quantiles, and beyond the outer ones an exponential tail that
 * goes on as the last two begin.
 */
export function probabilityBelow(quantiles: readonly number[], value: number): number {
  const outermost = quantiles.length - 1;
  const tail = (beyond: number, width: number) => at(levels, 0) * 0.5 ** (beyond / Math.max(width, 1e-12));
  const [first, second] = [at(quantiles, 0), at(quantiles, 1)];
  if (value <= first) return tail(first - value, second - first);
  const [last, before] = [at(quantiles, outermost), at(quantiles, outermost - 1)];
  if (value > last) return 1 - tail(value - last, last - before);
  const above = Math.max(
    1,
    quantiles.findIndex((quantile) => quantile >= value),
  );
  const [low, high] = [at(quantiles, above - 1), at(quantiles, above)];
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return at(levels, above - 1) + share * (at(levels, above) - at(levels, above - 1));
}

/** The probability that lies above a value, without what lies on it. */
export function probabilityAbove(quantiles: readonly number[], value: number): number {
  return probabilityBelow(quantiles.map((quantile) => -quantile).reverse(), -value);
}
