import type { ForecastEvent } from '../../domain/impressions.ts';
import { at } from '../sequence.ts';
import { levels, probabilityAbove, probabilityBelow, quantilesOf, type Quantity } from './distribution.ts';
import type { KnownSeries } from './encode.ts';
import { rangeOf } from './statistics.ts';

/** What is expected of one series, in its own numbers; steps count from 1. */
interface Expectation {
  /** The quantiles at `levels` of the value at a step. */
  quantiles(step: number): number[];
  /** The probability that a quantity lies below a value at a step; that it is equal counts to neither side. */
  below(quantity: Quantity, step: number, value: number): number;
  above(quantity: Quantity, step: number, value: number): number;
}

/** Reads what the network said of a series: its rows of parts and the units that they are given in, a step each. */
export function expectationOf(series: KnownSeries, rows: readonly Float32Array[], units: Float32Array): Expectation {
  const { low, high } = rangeOf(series.values);
  if (low === high) return constantExpectation(series);
  const { last, scale } = series;
  const possible = possibleValue(series.values, low);
  const quantilesAt = (quantity: Quantity, step: number) =>
    quantilesOf(at(rows, step - 1), quantity).map((value) => possible(last + scale * at(units, step - 1) * value));
  return {
    quantiles: (step) => quantilesAt('value', step),
    below: (quantity, step, value) =>
      possible(value) > value ? 0 : probabilityBelow(quantilesAt(quantity, step), value),
    above: (quantity, step, value) =>
      possible(value) > value ? 1 : probabilityAbove(quantilesAt(quantity, step), value),
  };
}

/**
 * What a series can be instead of a value: one that comes down to zero and never below cannot be below (rain, counts), nor
 * between zero and the least that it ever was above.
 */
function possibleValue(values: Float64Array, low: number): (value: number) => number {
  if (low !== 0) return (value) => value;
  let least = Infinity;
  for (const value of values) if (value > 0 && value < least) least = value;
  return (value) => (value < least ? 0 : value);
}

/**
 * A series that never changed holds nothing by which a forecast could be measured. It is expected to stay, with the
 * probability that Laplace's rule of succession gives after so many steps without a change; up and down are alike.
 */
function constantExpectation({ values, last }: KnownSeries): Expectation {
  const stays = (step: number) => (values.length + 1) / (values.length + step + 1);
  const beyond = (step: number, held: boolean) => (1 - stays(step)) / 2 + (held ? stays(step) : 0);
  return {
    quantiles: () => levels.map(() => last),
    below: (_quantity, step, value) => beyond(step, last < value),
    above: (_quantity, step, value) => beyond(step, last > value),
  };
}

/** Where a series most likely ends, seen from its last value, and how sure that is. */
export function endOf(
  expected: Expectation,
  last: number,
  horizon: number,
): { says: 'above' | 'below' | 'at'; probability: number } {
  const [below, above] = [expected.below('value', horizon, last), expected.above('value', horizon, last)];
  const stays = 1 - below - above;
  if (stays > below && stays > above) return { says: 'at', probability: stays };
  return below > above ? { says: 'below', probability: below } : { says: 'above', probability: above };
}

/** The probability of an event in its series, of which so many steps are expected. */
export function probabilityOf(
  { direction, value, when }: ForecastEvent,
  expected: Expectation,
  horizon: number,
): number {
  switch (direction) {
    case 'above':
      return expected.above(when === 'within' ? 'highest' : 'value', horizon, value);
    case 'below':
      return expected.below(when === 'within' ? 'lowest' : 'value', horizon, value);
  }
}

/** How often the history held the event: the share of its values, or of its stretches as long as the horizon. */
export function baseRateOf({ direction, value, when }: ForecastEvent, history: Float64Array, horizon: number): number {
  const reach = when === 'within' ? Math.min(horizon, history.length) : 1;
  let [held, sinceHit] = [0, Infinity];
  history.forEach((past, i) => {
    sinceHit = (direction === 'above' ? past > value : past < value) ? 0 : sinceHit + 1;
    if (i >= reach - 1 && sinceHit < reach) held += 1;
  });
  return held / (history.length - reach + 1);
}
