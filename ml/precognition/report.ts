import type { PrecognitionImpressions } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { meanOf } from '../../domain/statistics.ts';
import type { ModelStamp } from '../model.ts';
import { at } from '../sequence.ts';
import { entry, type NamedTensors, rowsOf } from '../tensors.ts';
import { seasonalNaive } from './baselines.ts';
import { band } from './distribution.ts';
import { readSeries } from './encode.ts';
import { baseRateOf, endOf, expectationOf, probabilityOf } from './expectation.ts';

/** Every series of a session with what is expected of it. */
export function expectationsOf(
  { series, horizon }: PrecognitionImpressions,
  inputs: NamedTensors,
  outputs: NamedTensors,
) {
  const rows = rowsOf(entry(outputs, 'parts'));
  const units = entry(inputs, 'unit').values;
  return series.map((one, i) => {
    const known = readSeries(one);
    const [from, to] = [i * horizon, (i + 1) * horizon];
    return { name: one.name, known, expected: expectationOf(known, rows.slice(from, to), units.subarray(from, to)) };
  });
}

/** The result that a person reads. */
export function report(
  impressions: PrecognitionImpressions,
  inputs: NamedTensors,
  outputs: NamedTensors,
  model: ModelStamp,
): ModelResult {
  const { horizon, forecast = [] } = impressions;
  const expectations = expectationsOf(impressions, inputs, outputs);
  const steps = Array.from({ length: horizon }, (_, i) => i + 1);
  const series = expectations.map(({ name, known, expected }) => {
    const quantiles = steps.map((step) => expected.quantiles(step));
    const q50 = quantiles.map((row) => at(row, band.q50));
    const own = forecast.find((theirs) => theirs.name === name)?.values;
    return {
      name,
      times: steps.map((step) => known.timeAhead(step)),
      q10: quantiles.map((row) => at(row, band.q10)),
      q50,
      q90: quantiles.map((row) => at(row, band.q90)),
      seasonalNaive: Array.from(seasonalNaive(known.values, known.period, horizon)),
      naiveError: known.scale,
      ...(own === undefined ? {} : { own, divergence: divergenceOf(own, q50, known.scale) }),
    };
  });
  const ends = expectations.map(({ known, expected }) => endOf(expected, known.last, horizon));
  const event = eventOf(impressions, expectations);
  const [first, end] = [at(series, 0), at(ends, 0)];
  return {
    resultType: 'precognition.forecast',
    confidenceScore:
      event === undefined
        ? meanOf(ends.map(({ probability }) => probability))
        : Math.max(event.probability, 1 - event.probability),
    data: {
      model,
      chance:
        event === undefined
          ? { value: 0.5, meaning: 'A coin toss on whether a series ends above or below its last value.' }
          : { value: event.baseRate, meaning: 'How often the history itself held the event.' },
      summary:
        event === undefined
          ? `"${first.name}" is expected to end ${end.says} its last value (${percent(end.probability)}), ` +
            `near ${shortNumber(first.q50.at(-1) ?? 0)} and four times in five ` +
            `between ${shortNumber(first.q10.at(-1) ?? 0)} and ${shortNumber(first.q90.at(-1) ?? 0)}.`
          : `"${event.series}" is ${event.direction} ${shortNumber(event.value)} ` +
            `${event.when === 'at_end' ? 'at the end of' : 'at some time within'} the ${horizon} steps ahead ` +
            `with a probability of ${percent(event.probability)}; in its history that held ${percent(event.baseRate)} of the time.`,
      limits:
        "It continues the history that was given and knows nothing of the world; a forecast of one's own is judged once it is known what came.",
      series,
      ...(event === undefined ? {} : { event }),
    },
  };
}

function eventOf({ event, horizon }: PrecognitionImpressions, expectations: ReturnType<typeof expectationsOf>) {
  const asked = expectations.find(({ name }) => name === event?.series);
  if (event === undefined || asked === undefined) return undefined;
  return {
    ...event,
    probability: probabilityOf(event, asked.expected, horizon),
    baseRate: baseRateOf(event, asked.known.values, horizon),
  };
}

/** How far a person's own forecast lies from the model's middle, as a mean over the steps in the series' own scale. */
function divergenceOf(own: readonly number[], middle: readonly number[], scale: number): number {
  return meanOf(own.map((value, i) => Math.abs(value - (middle[i] ?? value)) / scale));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

function shortNumber(value: number): string {
  return Number(value.toPrecision(4)).toString();
}
