import { describe, expect, test } from '@jest/globals';
import { band, bar, describeResult, heatMap, scatter } from './picture.ts';

const common = {
  model: { name: 'm', version: '1.0.0', backend: 'js' },
  chance: { value: 0.5, meaning: 'a coin toss' },
  summary: 'It reads as a yes.',
  limits: 'l',
};

describe('a result on the terminal', () => {
  test('stands beside what chance gives, and names its model (M1)', () => {
    const lines = describeResult({
      resultType: 'dowsing.answer',
      confidenceScore: 0.8,
      data: { ...common, yes: 0.8, no: 0.1, unclear: 0.1, interval: [0.7, 0.9] },
    });
    expect(lines[0]).toBe('dowsing.answer · confidence 0.80');
    expect(lines.join('\n')).toMatch(/chance: 0\.50, a coin toss\n.*model: m 1\.0\.0 on js/);
  });

  test('whose data are not of its kind is refused (G3)', () => {
    expect(() => describeResult({ resultType: 'dowsing.answer', confidenceScore: 1, data: {} })).toThrow();
  });

  test.each([
    ['remote_viewing.geography', { terrain: [{ name: 'plain', probability: 0.5 }], places: [] }, 'plain 0.50'],
    [
      'remote_viewing.match',
      { ranking: [{ id: 'cottage', rank: 1, score: 0.4, accuracy: 0.5, reliability: 0.5, figureOfMerit: 0.25 }] },
      '1. cottage',
    ],
    ['dowsing.location', { cells: [], best: { lon: 1, lat: 2 }, area50Km2: 3, area90Km2: 4 }, 'best 2.0000, 1.0000'],
    [
      'precognition.forecast',
      {
        series: [
          {
            name: 's',
            times: ['2026-01-01T00:00:00Z'],
            q10: [1],
            q50: [2],
            q90: [3],
            seasonalNaive: [2],
            naiveError: 1,
          },
        ],
        event: { series: 's', direction: 'above', value: 2, when: 'at_end', probability: 0.5, baseRate: 0.4 },
      },
      '2026-01-01       1.0     2.0     3.0',
    ],
    [
      'intuitive_analysis.patterns',
      {
        clusters: { labels: [0, 1], count: 2, stability: 1 },
        anomalies: [{ row: 1, score: 2, because: [{ dimension: 'calm', contribution: 1 }] }],
        importance: [{ dimension: 'calm', weight: 1 }],
        similar: [[1], [0]],
        map: [
          [0, 0],
          [1, 1],
        ],
      },
      'row 1 stands out most, by calm',
    ],
  ] as const)('of %s has its picture (A2)', (resultType, data, line) => {
    expect(describeResult({ resultType, confidenceScore: 1, data: { ...common, ...data } }).join('\n')).toContain(line);
  });
});

test('a bar is as long as its share', () => {
  expect(bar('x', 0, 3)).toBe('x   0.00 ');
  expect(bar('x', 0.5, 1)).toBe(`x 0.50 ${'█'.repeat(12)}`);
  expect(bar('x', 1, 1)).toBe(`x 1.00 ${'█'.repeat(24)}`);
});

test('a step of a forecast lies where it belongs among all of them', () => {
  expect(band([0, 1, 2], [0, 1, 2, 4])).toBe(`${'─'.repeat(9)}●${'─'.repeat(9)}`);
  expect(band([4, 4, 4], [0, 4])).toBe(`${' '.repeat(36)}●`);
});

test('points of a map keep their places', () => {
  const lines = scatter(
    [
      [0, 0],
      [1, 1],
    ],
    [0, 1],
  );
  expect(lines[0]?.at(-1)).toBe('1');
  expect(lines.at(-1)?.at(0)).toBe('0');
});

test('a map has north at the top and its most probable cell darkest, over the antimeridian too', () => {
  const region = { west: 170, south: 0, east: 190, north: 10 };
  const lines = heatMap(
    [
      { lon: 171, lat: 9.9, probability: 0.6 },
      { lon: -171, lat: 0.1, probability: 0.2 },
    ],
    region,
  );
  expect(lines[0]?.indexOf('█')).toBe(3);
  expect(lines.at(-1)?.lastIndexOf('▒')).toBe(68);
  expect(lines.join('').replaceAll('·', '')).toBe('█▒');
});
