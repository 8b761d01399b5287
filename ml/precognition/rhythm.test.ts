import { describe, expect, test } from '@jest/globals';
import { evenOut } from './rhythm.ts';

const days = (count: number) =>
  Array.from({ length: count }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10));
const read = (times: string[]) => evenOut({ times, values: times.map((_, i) => i) });
const ahead = (times: string[], steps = 2) => Array.from({ length: steps }, (_, i) => read(times).timeAhead(i + 1));

describe('times go on in their rhythm (M7)', () => {
  test('days, weeks, hours, months to their last day, quarters and years', () => {
    expect(ahead(['2026-01-30', '2026-01-31'])).toEqual(['2026-02-01', '2026-02-02']);
    expect(ahead(['2026-01-01', '2026-01-08', '2026-01-15'])).toEqual(['2026-01-22', '2026-01-29']);
    expect(ahead(['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'])[0]).toBe('2026-01-01T02:00:00.000Z');
    expect(ahead(['2025-11-30', '2025-12-31', '2026-01-31'])).toEqual(['2026-02-28', '2026-03-31']);
    expect(ahead(['2025-01-01', '2025-04-01', '2025-07-01', '2025-10-01'])).toEqual(['2026-01-01', '2026-04-01']);
    expect(ahead(['2023-01-01', '2024-01-01', '2025-01-01'])).toEqual(['2026-01-01', '2027-01-01']);
  });

  test('days of a market leave out Saturdays, Sundays and the odd holiday, and nothing is made up for them', () => {
    const times = ['2026-01-05', '2026-01-06', '2026-01-07', '2026-01-08', '2026-01-09', '2026-01-12', '2026-01-14'];
    expect(Array.from(read(times).values)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(ahead(times, 3)).toEqual(['2026-01-15', '2026-01-16', '2026-01-19']);
  });

  test('missing values lie on the line between their neighbours, and uneven times are read at their usual distance', () => {
    const gaps = evenOut({ times: days(5), values: [null, 2, null, 4, null] });
    expect(Array.from(gaps.values)).toEqual([2, 2, 3, 4, 4]);
    const uneven = evenOut({ times: ['2026-01-06', '2026-01-07', '2026-01-10', '2026-01-11'], values: [1, 2, 5, 6] });
    expect(Array.from(uneven.values)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(uneven.timeAhead(1)).toBe('2026-01-12');
  });

  test('the calendar suggests the seasons that fit its steps', () => {
    const every = (minutes: number) =>
      read(Array.from({ length: 9 }, (_, i) => new Date(Date.UTC(2026, 0, 1) + i * minutes * 60_000).toISOString()));
    expect(read(days(20)).calendar).toEqual([7, 365]);
    expect(every(60).calendar).toEqual([24, 168, 8766]);
    expect(every(7 * 24 * 60).calendar).toEqual([52]);
    expect(read(['2025-11-30', '2025-12-31', '2026-01-31']).calendar).toEqual([12]);
    expect(read(['2025-01-01', '2025-04-01', '2025-07-01']).calendar).toEqual([4]);
    expect(read(['2023-01-01', '2024-01-01', '2025-01-01']).calendar).toEqual([]);
  });
});
