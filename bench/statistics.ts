/** The value below which `share` of the values lie, by the nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export interface Latency {
  p50Ms: number;
  p95Ms: number;
  count: number;
}

/** Runs a call `count` times, one after the other, and says how long it took. */
export async function latencyOf(count: number, call: (i: number) => Promise<unknown>): Promise<Latency> {
  const durationsMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await call(i);
    durationsMs.push(performance.now() - startedAt);
  }
  return summary(durationsMs);
}

/** The median and the 95th percentile of what was measured. */
export function summary(durationsMs: readonly number[]): Latency {
  return { p50Ms: quantile(durationsMs, 0.5), p95Ms: quantile(durationsMs, 0.95), count: durationsMs.length };
}

/** Runs `count` calls with at most `inFlight` at a time, and says how many came to their end a second. */
export async function throughputOf(
  count: number,
  inFlight: number,
  call: (i: number) => Promise<unknown>,
): Promise<{ perSecond: number; count: number }> {
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await call(next++);
    }),
  );
  return { perSecond: (count * 1000) / (performance.now() - startedAt), count };
}
