import { describe, expect, test } from '@jest/globals';
import { Random } from '../ml/random.ts';
import { keptBackups } from './backups.ts';
import { dayMs, hourMs } from './time.ts';

const start = Date.UTC(2026, 0, 1, 2);
const at = (time: number) => ({ id: new Date(time).toISOString(), takenAt: new Date(time) });
const keep = (backups: readonly ReturnType<typeof at>[]) => {
  const ids = keptBackups(backups);
  return backups.filter(({ id }) => ids.has(id));
};

/** Times of backups as they may come: some days none, some days many, in any order. */
function timesOf(seed: number): ReturnType<typeof at>[] {
  const random = new Random(seed);
  const count = Math.floor(random.uniform() * 300);
  return Array.from({ length: count }, () =>
    at(start + Math.floor((random.uniform() * 800 * dayMs) / hourMs) * hourMs),
  );
}

describe('which backups are kept (D4)', () => {
  test('of one a day over two years, thinned after each, the last 7 days, 4 weeks and 12 months remain', () => {
    let backups: ReturnType<typeof at>[] = [];
    for (let day = 0; day < 730; day += 1) backups = keep([...backups, at(start + day * dayMs)]);

    const days = backups.map(({ takenAt }) => takenAt.toISOString().slice(0, 10));
    const last = start + 729 * dayMs;
    for (let i = 0; i < 7; i += 1) expect(days).toContain(new Date(last - i * dayMs).toISOString().slice(0, 10));
    expect(new Set(days.map((day) => day.slice(0, 7))).size).toBe(12);
    const sundays = backups.filter(({ takenAt }) => takenAt.getUTCDay() === 0 && last - takenAt.getTime() < 29 * dayMs);
    expect(sundays.length).toBeGreaterThanOrEqual(3);
    expect(backups.length).toBeLessThanOrEqual(7 + 4 + 12);
  });

  test.each(Array.from({ length: 200 }, (_, seed) => seed))(
    'whatever there is, the newest stays, thinning twice changes nothing, and each day of the last seven is kept (seed %i)',
    (seed) => {
      const backups = timesOf(seed);
      const left = keep(backups);
      expect(keep(left)).toEqual(left);
      const newestFirst = backups.toSorted((a, b) => b.takenAt.getTime() - a.takenAt.getTime());
      const newest = newestFirst[0];
      if (newest === undefined) {
        expect(left).toEqual([]);
        return;
      }
      expect(left).toContainEqual(newest);
      for (const recent of newestFirst.filter(({ takenAt }) => newest.takenAt.getTime() - takenAt.getTime() < dayMs)) {
        expect(left).toContainEqual(recent);
      }
      const daysBefore = [...new Set(newestFirst.map(({ takenAt }) => takenAt.toISOString().slice(0, 10)))].slice(0, 7);
      const daysLeft = new Set(left.map(({ takenAt }) => takenAt.toISOString().slice(0, 10)));
      expect(daysBefore.filter((day) => !daysLeft.has(day))).toEqual([]);
    },
  );

  test('a backup made in haste does not displace the one of the same night', () => {
    const nightly = at(start);
    const inHaste = at(start + 9 * hourMs);
    expect(keep([nightly, inHaste])).toEqual([nightly, inHaste]);
  });
});
