import { describe, expect, test } from '@jest/globals';
import { driftOf } from './drift.ts';

const even = Array.from({ length: 10 }, () => 0.1);

/** Counts of `n` sessions in the given shares. */
const counts = (n: number, shares: readonly number[]) => shares.map((share) => Math.round(share * n));

describe('the population stability index (M2)', () => {
  test('is nothing when the shares are those of the training', () => {
    const drift = driftOf(even, counts(1_000, even));
    expect(drift.index).toBeCloseTo(0, 10);
    expect(drift).toMatchObject({ reading: 'little', sessions: 1_000 });
  });

  test('agrees with its formula worked out by hand', () => {
    // (0.7 - 0.5) ln(0.7 / 0.5) + (0.3 - 0.5) ln(0.3 / 0.5) = 0.1695
    expect(driftOf([0.5, 0.5], [70_000, 30_000]).index).toBeCloseTo(0.1695, 2);
  });

  test('reads as little, some and much where it is usual to', () => {
    const moved = (share: number) => driftOf([0.5, 0.5], counts(10_000, [share, 1 - share])).reading;
    expect([moved(0.6), moved(0.7), moved(0.8)]).toEqual(['little', 'some', 'much']);
  });

  test('stays finite when a bin is empty on either side', () => {
    const drift = driftOf([0, 0.5, 0.5], [500, 500, 0]);
    expect(drift.reading).toBe('much');
    expect(Number.isFinite(drift.index)).toBe(true);
  });

  test('says nothing of few sessions, where chance alone would look like drift', () => {
    expect(driftOf(even, counts(190, even))).toEqual({ index: null, reading: 'too_few', sessions: 190 });
  });

  test('takes chance for drift in fewer than one of ten cases at the fewest sessions it speaks of', () => {
    let [seed, alarms] = [1, 0];
    const uniform = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let run = 0; run < 500; run++) {
      const drawn = Array.from({ length: 10 }, () => 0);
      for (let i = 0; i < 200; i++) {
        const bin = Math.floor(uniform() * 10);
        drawn[bin] = (drawn[bin] ?? 0) + 1;
      }
      if (driftOf(even, drawn).reading !== 'little') alarms += 1;
    }
    expect(alarms).toBeLessThan(50);
  });
});
