/** The formulas that scoring a session and measuring a model share. */

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Ranks from 1; equal values share their mean rank. */
export function averageRanks(values: readonly number[]): number[] {
  const sorted = values.map((value, place) => ({ value, place })).toSorted((a, b) => a.value - b.value);
  const ranks = values.map(() => 0);
  for (let start = 0; start < sorted.length;) {
    let end = start + 1;
    while (end < sorted.length && sorted[end]?.value === sorted[start]?.value) end += 1;
    for (const { place } of sorted.slice(start, end)) ranks[place] = (start + end + 1) / 2;
    start = end;
  }
  return ranks;
}

/** The probability that something right scores above something wrong, ties counting half (Mann and Whitney 1947). */
export function areaUnderCurve(claims: readonly { readonly probability: number; readonly right: boolean }[]): number {
  const ranks = averageRanks(claims.map(({ probability }) => probability));
  const right = claims.filter((claim) => claim.right).length;
  const wrong = claims.length - right;
  const sum = ranks.reduce((total, rank, i) => total + (claims[i]?.right ? rank : 0), 0);
  return (sum - (right * (right + 1)) / 2) / Math.max(1, right * wrong);
}

/**
 * How alike two ways to group the same rows are: 1 the same, 0 what chance gives (Hubert and Arabie 1985). Null where it
 * is not defined: both put all rows together, or each apart, so that nothing could have been told from chance.
 */
export function adjustedRandIndex<A extends number | string, B extends number | string>(
  a: ArrayLike<A>,
  b: ArrayLike<B>,
): number | null {
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const tally = (keys: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts.values()].reduce((sum, count) => sum + pairs(count), 0);
  };
  // The length of the first name parts the two, whatever characters they are made of.
  const together = tally(Array.from(a, (label, i) => `${String(label).length},${label},${b[i] ?? -1}`));
  const [ofA, ofB] = [tally(Array.from(a, String)), tally(Array.from(b, String))];
  const expected = (ofA * ofB) / Math.max(1, pairs(a.length));
  const most = (ofA + ofB) / 2;
  return most === expected ? null : (together - expected) / (most - expected);
}
