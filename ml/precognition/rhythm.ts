/** A series on an even rhythm, as the model reads it. */
export interface EvenSeries {
  readonly values: Float64Array;
  /** How many steps the rounds of the calendar have (hours of a day, days of a week, months of a year), where whole. */
  readonly calendar: readonly number[];
  /** The time of each step ahead, from 1, as an ISO 8601 text like those given. */
  readonly timeAhead: (step: number) => string;
}

const dayMs = 86_400_000;

/** The most values that are read, from the end: what lies before says little of what comes. */
const longestHistory = 2_000;

/** The rounds of the calendar in which people and nature repeat themselves. */
const roundsMs = [3_600_000, dayMs, 7 * dayMs, 365.25 * dayMs] as const;
/** By which share of itself a round may differ from a whole number of steps. */
const roundTolerance = 0.01;

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

/** Whether the times are days of which Saturdays and Sundays are never one: markets and offices. */
function onWeekdays(stamps: readonly number[], distancesMs: readonly number[]): boolean {
  const weekend = (stamp: number) => [0, 6].includes(new Date(stamp).getUTCDay());
  return (
    middle(distancesMs) === dayMs &&
    distancesMs.some((distance) => distance === 3 * dayMs) &&
    distancesMs.every((distance) => distance % dayMs === 0 && distance <= 5 * dayMs) &&
    !stamps.some(weekend)
  );
}

function addWeekdays(timeMs: number, days: number): number {
  let [time, left] = [timeMs, days];
  while (left > 0) {
    time += dayMs;
    if (![0, 6].includes(new Date(time).getUTCDay())) left -= 1;
  }
  return time;
}

/** The distance between two steps, and what follows from it. */
interface Rhythm {
  /** The usual distance. */
  readonly stepMs: number;
  /** Whether each time given is one step after the one before. */
  readonly even: boolean;
  readonly calendar: readonly number[];
  readonly after: (timeMs: number, steps: number) => number;
}

function rhythmOf(stamps: readonly number[]): Rhythm {
  const distances = stamps.slice(1).map((stamp, i) => stamp - (stamps[i] ?? stamp));
  const stepMs = middle(distances);
  const months = monthsBetween(distances);
  if (months !== undefined) {
    const calendar = months < 12 ? [12 / months] : [];
    return { stepMs, even: true, calendar, after: (time, steps) => addMonths(time, steps * months) };
  }
  if (onWeekdays(stamps, distances)) return { stepMs, even: true, calendar: [5], after: addWeekdays };
  return {
    stepMs,
    even: distances.every((distance) => Math.abs(distance - stepMs) <= tolerance * stepMs),
    calendar: roundsMs.flatMap((round) => {
      const steps = Math.round(round / stepMs);
      return steps >= 2 && Math.abs(steps * stepMs - round) <= roundTolerance * round ? [steps] : [];
    }),
    after: (time, steps) => time + steps * stepMs,
  };
}

/**
 * Brings a series to an even rhythm: missing values are filled by a straight line between their neighbours, and where the
 * times are uneven, values are read off that line at the usual distance, counted back from the last time.
 */
export function evenOut(series: { times: readonly string[]; values: readonly (number | null)[] }): EvenSeries {
  const newest = series.times.slice(-longestHistory);
  const values = series.values.slice(-longestHistory);
  const stamps = newest.map((time) => Date.parse(time));
  const known = stamps.flatMap((stamp, i) => {
    const value = values[i];
    return typeof value === 'number' ? [{ stamp, value }] : [];
  });
  const last = stamps.at(-1) ?? 0;
  const { even, stepMs, calendar, after } = rhythmOf(stamps);
  const asDate = newest.every((time) => !time.includes('T'));
  return {
    values: readOff(known, even ? stamps : evenTicks(stamps, stepMs)),
    calendar,
    timeAhead: (step) => {
      const time = after(last, step);
      const text = new Date(time).toISOString();
      return asDate && time % dayMs === 0 ? text.slice(0, 10) : text;
    },
  };
}

function evenTicks(stamps: readonly number[], stepMs: number): number[] {
  const [first, last] = [stamps[0] ?? 0, stamps.at(-1) ?? 0];
  const count = Math.min(longestHistory, Math.max(2, Math.floor((last - first) / stepMs) + 1));
  return Array.from({ length: count }, (_, i) => last - (count - 1 - i) * stepMs);
}

/** Values at the times asked for, by straight lines between known ones; level before the first and after the last. */
function readOff(known: readonly { stamp: number; value: number }[], ticks: readonly number[]): Float64Array {
  let next = 0;
  return Float64Array.from(ticks, (tick) => {
    while (next < known.length && (known[next]?.stamp ?? Infinity) < tick) next += 1;
    const [before, after] = [known[next - 1], known[next]];
    // What is known is kept to the last bit: zero is the floor of some series.
    if (after?.stamp === tick) return after.value;
    if (before === undefined || after === undefined) return (before ?? after)?.value ?? 0;
    return before.value + ((after.value - before.value) * (tick - before.stamp)) / (after.stamp - before.stamp);
  });
}
