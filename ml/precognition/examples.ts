import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensors, stackRows, tensorOf } from '../tensors.ts';
import { encodeSeries, type KnownSeries, knownSeries } from './encode.ts';
import { type SeriesKind, type SimulatedSeries, simulateSeries } from './generator.ts';
import { rangeOf } from './statistics.ts';

/** How many steps are learned from each simulated series: its last one, and some on the way. */
export const stepsPerSeries = 5;

/** A miss by more units than this says no more than this. */
const furthestTruth = 100;

/** A series as the network sees it at some steps, with what came: `truth` [steps, value, highest, lowest], in units. */
export function exampleOf(
  series: KnownSeries,
  future: ArrayLike<number>,
  horizon: number,
  steps: readonly number[],
): NamedTensors {
  const encoded = encodeSeries(series, horizon, steps);
  const { last, scale } = series;
  const units = entry(encoded, 'unit').values;
  const highest = Array.from(future);
  const lowest = Array.from(future);
  for (let i = 1; i < future.length; i++) {
    highest[i] = Math.max(at(highest, i), at(highest, i - 1));
    lowest[i] = Math.min(at(lowest, i), at(lowest, i - 1));
  }
  const truth = steps.flatMap((step, row) => {
    const unit = scale * at(units, row);
    return [future, highest, lowest].map((came) =>
      Math.max(-furthestTruth, Math.min(furthestTruth, (at(came, step - 1) - last) / unit)),
    );
  });
  return { ...encoded, truth: tensorOf([steps.length, 3], truth) };
}

/** Simulated series as examples, of one kind or of all. */
export function simulateExamples(random: Random, count: number, kind?: SeriesKind): NamedTensors {
  return stackRows(
    Array.from({ length: count }, () => {
      const { history, future, calendar } = changingSeries(random, kind);
      const horizon = future.length;
      const steps = Array.from({ length: stepsPerSeries }, (_, i) => (i === 0 ? horizon : random.int(1, horizon)));
      return exampleOf(knownSeries(history, calendar), future, horizon, steps);
    }),
  );
}

/** A series that never changed teaches nothing, and needs no network. */
function changingSeries(random: Random, kind: SeriesKind | undefined): SimulatedSeries {
  for (;;) {
    const simulated = simulateSeries(random, kind);
    const { low, high } = rangeOf(simulated.history);
    if (high > low) return simulated;
  }
}
