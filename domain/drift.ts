/**
 * Whether what a model observes has moved away from what it was trained on: the population stability index, the sum
 * over bins of (a - e) ln(a / e), with `e` the training's shares and `a` today's (Siddiqi, Credit Risk Scorecards, 2006;
 * it is the symmetric divergence of Jeffreys, 1946).
 */

/** How many sessions a version's profile was made from. */
export const profileSessions = 1_000;

/**
 * Without any drift the index of n sessions in B bins against a profile of m is about (1/n + 1/m) times a chi-square
 * with B - 1 degrees of freedom (Yurdakul and Naranjo, 2020). With ten bins its 95% point is below 0.1 from about 200
 * sessions on; with fewer, chance alone would look like drift.
 */
export const fewestSessions = 200;

export const driftReadings = ['too_few', 'little', 'some', 'much'] as const;
type DriftReading = (typeof driftReadings)[number];

interface Drift {
  /** Null where there are too few sessions to tell. */
  index: number | null;
  reading: DriftReading;
  sessions: number;
}

/** Reads counted bins against the shares that they had in training: below 0.1 little, above 0.25 much drift. */
export function driftOf(expectedShares: readonly number[], counted: readonly number[]): Drift {
  const counts = expectedShares.map((_, bin) => counted[bin] ?? 0);
  const sessions = counts.reduce((sum, count) => sum + count, 0);
  if (sessions < fewestSessions) return { index: null, reading: 'too_few', sessions };
  const index = stabilityIndex(expectedShares, counts);
  return { index, reading: index < 0.1 ? 'little' : index <= 0.25 ? 'some' : 'much', sessions };
}

/** Both sides are smoothed by half a session a bin (Jeffreys' prior), since an empty bin has no logarithm. */
function stabilityIndex(expectedShares: readonly number[], counts: readonly number[]): number {
  const expected = smoothed(expectedShares.map((share) => share * profileSessions));
  const actual = smoothed(counts);
  return expected.reduce((sum, e, i) => {
    const a = actual[i] ?? e;
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}

function smoothed(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count + 0.5, 0);
  return counts.map((count) => (count + 0.5) / total);
}

/** The bin that a value falls into: how many edges lie at or below it. */
export function binOf(value: number, edges: readonly number[]): number {
  const above = edges.findIndex((edge) => value < edge);
  return above === -1 ? edges.length : above;
}
