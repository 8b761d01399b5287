/** A series on an even rhythm, as the model reads it. */
export interface EvenSeries {
  readonly values: number[];
  /** The time of each step ahead, from 1, as an ISO 8601 text like those given. */
  readonly timeAhead: (step: number) => string;
}

const dayMs = 86_400_000;

/** The most steps that are read, from the end: what lies before says little of what comes. */
const longestHistory = 2_000;

/** By how much a distance may differ from the usual one and still belong to the rhythm. */
const tolerance = 0.1;

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Months are told by their days: 28 to 31 between neighbours; quarters and years likewise. Undefined for other rhythms. */
function monthsBetween(distancesMs: readonly number[]): number | undefined {
  const days = distancesMs.map((distance) => distance / dayMs);
  const lasts = (low: number, high: number) => days.every((day) => day > low && day < high);
  if (lasts(27.9, 31.1)) return 1;
  if (lasts(89.9, 92.1)) return 3;
  return lasts(364.9, 366.1) ? 12 : undefined;
}

/** The same day so many months on; the last day of a month that is shorter. */
function addMonths(timeMs: number, months: number): number {
  const date = new Date(timeMs);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}

/**
 * Brings a series to an even rhythm: missing values are filled by a straight line between their neighbours, and where the
 * times are uneven, values are read off that line at the usual distance, counted back from the last time.
 */
export function evenOut(series: { times: readonly string[]; values: readonly (number | null)[] }): EvenSeries {
  const stamps = series.times.map((time) => Date.parse(time));
  const known = stamps.flatMap((stamp, i) => {
    const value = series.values[i];
    return typeof value === 'number' ? [{ stamp, value }] : [];
  });
  const distances = stamps.slice(1).map((stamp, i) => stamp - (stamps[i] ?? stamp));
  const last = stamps.at(-1) ?? 0;
  const months = monthsBetween(distances);
  const stepMs = middle(distances);
  const even = distances.every((distance) => Math.abs(distance - stepMs) <= tolerance * stepMs);
  const asDate = series.times.every((time) => !time.includes('T'));
  const ticks = (even || months !== undefined ? stamps : evenTicks(stamps, stepMs)).slice(-longestHistory);
  return {
    values: readOff(known, ticks),
    timeAhead: (step) => {
      const time = new Date(months === undefined ? last + step * stepMs : addMonths(last, step * months)).toISOString();
      return asDate && (months !== undefined || stepMs % dayMs === 0) ? time.slice(0, 10) : time;
    },
  };
}

function evenTicks(stamps: readonly number[], stepMs: number): number[] {
  const [first, last] = [stamps[0] ?? 0, stamps.at(-1) ?? 0];
  const count = Math.min(longestHistory, Math.max(2, Math.floor((last - first) / stepMs) + 1));
  return Array.from({ length: count }, (_, i) => last - (count - 1 - i) * stepMs);
}

/** Values at the times asked for, by straight lines between known ones; level before the first and after the last. */
function readOff(known: readonly { stamp: number; value: number }[], ticks: readonly number[]): number[] {
  let next = 0;
  return ticks.map((tick) => {
    while (next < known.length && (known[next]?.stamp ?? Infinity) < tick) next += 1;
    const [before, after] = [known[next - 1], known[next]];
    if (before === undefined || after === undefined) return (before ?? after)?.value ?? 0;
    return before.value + ((after.value - before.value) * (tick - before.stamp)) / (after.stamp - before.stamp);
  });
}
