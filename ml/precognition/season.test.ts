import { describe, expect, test } from '@jest/globals';
import { Random } from '../random.ts';
import { findPeriod, seasonProfile } from './season.ts';

const series = (count: number, valueAt: (i: number) => number) =>
  Float64Array.from({ length: count }, (_, i) => valueAt(i));
const weekly = (i: number) => 4 * Math.sin((2 * Math.PI * i) / 7);

describe('a season (M7)', () => {
  test('is found under a trend, a curve and noise, and none in a line or a constant', () => {
    const random = new Random(1);
    expect(findPeriod(series(80, (i) => weekly(i) + i))).toBe(7);
    expect(findPeriod(series(120, (i) => weekly(i) + 0.01 * i * i))).toBe(7);
    expect(findPeriod(series(120, (i) => weekly(i) + random.normal(0, 2)))).toBe(7);
    expect(findPeriod(series(80, (i) => i))).toBe(1);
    expect(findPeriod(series(80, () => 3))).toBe(1);
    expect(findPeriod(series(2, (i) => i))).toBe(1);
  });

  test('of a year of days is found under weather where the calendar suggests it', () => {
    const random = new Random(2);
    const year = series(3 * 365, (i) => 2 * Math.sin((2 * Math.PI * i) / 365) + random.normal(0, 2));
    expect(findPeriod(year, [7, 365])).toBe(365);
  });

  test('is hardly ever seen in what wanders by chance', () => {
    const random = new Random(3);
    const found = Array.from({ length: 300 }, () => {
      let value = 0;
      return findPeriod(
        series(120, () => (value += random.normal())),
        [7, 12],
      );
    });
    expect(found.filter((period) => period > 1).length).toBeLessThan(15);
  });

  test('adds up to nothing, and takes no part of the trend', () => {
    const profile = seasonProfile(
      series(70, (i) => weekly(i) + 2 * i),
      7,
    );
    profile.forEach((value, place) => {
      expect(value).toBeCloseTo(weekly(place), 6);
    });
  });

  test('that is long and noisy is smoothed towards what made it', () => {
    const random = new Random(4);
    const truth = (i: number) => 2 * Math.sin((2 * Math.PI * i) / 365);
    const profile = seasonProfile(
      series(2 * 365, (i) => truth(i) + random.normal(0, 2)),
      365,
    );
    const misses = Array.from(profile, (value, place) => Math.abs(value - truth(place)));
    expect(misses.reduce((sum, miss) => sum + miss, 0) / 365).toBeLessThan(0.6);
  });
});
