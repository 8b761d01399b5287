import { describe, expect, test } from '@jest/globals';
import { exampleOf } from '../tests/examples.ts';
import { keptMetadata, sessionContentSchema } from './content.ts';
import { sessionTypes } from './session.ts';

/** Where and why a body is refused; empty when it is accepted. */
function problems(body: unknown): string[] {
  const parsed = sessionContentSchema.safeParse(body);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const sketch = (points: number, given: object = {}) => ({
  sessionType: 'remote_viewing',
  cue: 'c',
  impressions: {
    sketches: [
      {
        width: 100,
        height: 100,
        strokes: [{ points: Array.from({ length: points }, (_, i) => ({ x: 50, y: 50, tMs: i })) }],
        ...given,
      },
    ],
  },
});
const trace = (points: unknown[]) => ({
  sessionType: 'dowsing',
  cue: 'c',
  impressions: { question: 'q', trace: { points } },
});
const region = (west: number, south: number, east: number, north: number, points = [{ lon: east, lat: north }]) => ({
  sessionType: 'dowsing',
  cue: 'c',
  impressions: { question: 'q', region: { west, south, east, north }, points },
});
const series = (values: (number | null)[], given: object = {}) => ({
  sessionType: 'precognition',
  cue: 'c',
  impressions: {
    series: [{ name: 's', times: values.map((_, i) => `2026-01-${String(i + 1).padStart(2, '0')}`), values }],
    horizon: 2,
    ...given,
  },
});
const table = (rows: unknown[][], given: object = {}) => ({
  sessionType: 'intuitive_analysis',
  cue: 'c',
  impressions: { dimensions: ['a', 'b'], rows, ...given },
});

test.each(sessionTypes)('the example of %s is accepted (A1)', async (sessionType) => {
  expect(problems(await exampleOf(sessionType))).toEqual([]);
});

describe('a cue', () => {
  test.each([
    ['empty', ''],
    ['blank', '  \n'],
    ['longer than 10,000 characters', 'x'.repeat(10_001)],
    ['with NUL', 'a\u0000b'],
  ])('that is %s is refused (A1)', (_, cue) => {
    expect(problems({ sessionType: 'dowsing', cue })).not.toEqual([]);
  });

  test('of 10,000 characters in any script is accepted (A1)', () => {
    expect(problems({ sessionType: 'dowsing', cue: '水'.repeat(10_000) })).toEqual([]);
  });
});

test('an unknown type, another type of impressions and unknown fields are refused (A1)', async () => {
  const { impressions } = await exampleOf('dowsing');
  expect(problems({ sessionType: 'telepathy', cue: 'c' })).not.toEqual([]);
  expect(problems({ sessionType: 'precognition', cue: 'c', impressions })).not.toEqual([]);
  expect(problems({ sessionType: 'dowsing', cue: 'c', colour: 'red' })).not.toEqual([]);
});

describe('a sketch', () => {
  test('has between 1 and 100,000 points in all (M5)', () => {
    expect(problems(sketch(0))).not.toEqual([]);
    expect(problems(sketch(1))).toEqual([]);
    expect(problems(sketch(100_000))).toEqual([]);
    expect(problems(sketch(100_001))).not.toEqual([]);
    const [stroke] = sketch(60_000).impressions.sketches[0]?.strokes ?? [];
    expect(problems(sketch(1, { strokes: [stroke, stroke] }))).toEqual(['impressions: holds more than 100000 points']);
  });

  test('has between 1 and 10,000 strokes (M5)', () => {
    const strokes = (count: number) =>
      sketch(1, { strokes: Array.from({ length: count }, () => ({ points: [{ x: 1, y: 1 }] })) });
    expect(problems(strokes(0))).not.toEqual([]);
    expect(problems(strokes(10_000))).toEqual([]);
    expect(problems(strokes(10_001))[0]).toMatch(/^impressions\.sketches\.0\.strokes: /);
  });

  test('stays on its canvas, in finite numbers, in the order of time (M5)', () => {
    const stroke = (...points: object[]) => sketch(1, { strokes: [{ points }] });
    expect(problems(stroke({ x: 101, y: 5 }))).toEqual([
      'impressions.sketches.0.strokes.0.points.0: lies off the canvas',
    ]);
    expect(problems(stroke({ x: NaN, y: 5 }))).not.toEqual([]);
    expect(problems(stroke({ x: Infinity, y: 5 }))).not.toEqual([]);
    expect(problems(stroke({ x: 1, y: 1, tMs: 5 }, { x: 1, y: 1, tMs: 4 }))).toEqual([
      'impressions.sketches.0.strokes.0.points: times must not go backwards',
    ]);
  });

  test('is one of three things of which a viewing needs one (M5)', () => {
    expect(problems({ sessionType: 'remote_viewing', cue: 'c', impressions: {} })).toEqual([
      'impressions: needs at least one of words, transcript, sketches and image',
    ]);
    expect(problems({ sessionType: 'remote_viewing', cue: 'c', impressions: { words: ['βουνό', '山'] } })).toEqual([]);
  });
});

describe('a pendulum', () => {
  test('swings forward in time, in finite numbers (M6)', () => {
    expect(
      problems(
        trace([
          { x: 0, y: 0, tMs: 0 },
          { x: 0, y: 0, tMs: 0 },
        ]),
      ),
    ).toEqual([]);
    expect(
      problems(
        trace([
          { x: 0, y: 0, tMs: 1 },
          { x: 0, y: 0, tMs: 0 },
        ]),
      ),
    ).not.toEqual([]);
    expect(
      problems(
        trace([
          { x: 0, y: Infinity, tMs: 0 },
          { x: 0, y: 0, tMs: 1 },
        ]),
      ),
    ).not.toEqual([]);
    expect(problems(trace([]))).not.toEqual([]);
  });
});

describe('a map region', () => {
  test('has an area, and may cross the antimeridian (M6)', () => {
    expect(problems(region(10, 50, 11, 51))).toEqual([]);
    expect(problems(region(179, -1, -179, 1, [{ lon: -179.5, lat: 0 }]))).toEqual([]);
    expect(problems(region(10, 51, 11, 51))).not.toEqual([]);
    expect(problems(region(10, 50, 10, 51))).not.toEqual([]);
  });

  test('holds its points (M6)', () => {
    expect(problems(region(10, 50, 11, 51, [{ lon: 12, lat: 50.5 }]))).not.toEqual([]);
    expect(problems(region(179, -1, -179, 1, [{ lon: 0, lat: 0 }]))).not.toEqual([]);
  });
});

describe('sweeps', () => {
  const sweeps = (...lines: object[][]) => ({
    sessionType: 'dowsing',
    cue: 'c',
    impressions: {
      question: 'q',
      region: { west: 179, south: -1, east: -179, north: 1 },
      sweeps: lines.map((points) => ({ points })),
    },
  });
  const [here, there] = [
    { lon: 179.5, lat: 0, tMs: 0 },
    { lon: -179.5, lat: 0, tMs: 9_000 },
  ];

  test('are lines over the region, in the order of time, with or without strength (M6)', () => {
    expect(problems(sweeps([here, there]))).toEqual([]);
    expect(problems(sweeps([here, { ...there, strength: 4 }], [here, there]))).toEqual([]);
    expect(problems(sweeps([here, { ...there, lon: 0 }]))).not.toEqual([]);
    expect(problems(sweeps([there, here]))).not.toEqual([]);
    expect(problems(sweeps([here]))).not.toEqual([]);
  });

  test('and points are two ways to search, of which a session has one (M6)', () => {
    const both = sweeps([here, there]);
    expect(problems({ ...both, impressions: { ...both.impressions, points: [here] } })).not.toEqual([]);
  });
});

describe('a series', () => {
  test('may have gaps, but needs two numbers (M7)', () => {
    expect(problems(series([1, null, 3]))).toEqual([]);
    expect(problems(series([1, null, null]))).not.toEqual([]);
    expect(problems(series([1]))).not.toEqual([]);
  });

  test('has one value for each of its increasing times (M7)', () => {
    const times = (...given: string[]) => series([1, 2], { series: [{ name: 's', times: given, values: [1, 2] }] });
    expect(problems(times('2026-01-01', '2026-01-02T10:00:00+02:00'))).toEqual([]);
    expect(problems(times('2026-01-02', '2026-01-01'))).toEqual(['impressions.series.0.times: must strictly increase']);
    expect(problems(times('2026-01-01'))).not.toEqual([]);
    expect(problems(times('2026-01-01', 'soon'))).not.toEqual([]);
    expect(problems(times('2026-01-01', '2026-01-02', '2026-01-03'))).not.toEqual([]);
  });

  test('is looked ahead at most five times its length, and forecasts fit it (M7)', () => {
    expect(problems(series([1, 2], { horizon: 10 }))).toEqual([]);
    expect(problems(series([1, 2], { horizon: 11 }))).toEqual([
      'impressions.horizon: is longer than five times the history of series 0',
    ]);
    expect(problems(series([1, 2], { forecast: [{ name: 's', values: [1, 2] }] }))).toEqual([]);
    expect(problems(series([1, 2], { forecast: [{ name: 'x', values: [1] }] }))).toHaveLength(2);
  });

  test('may be asked for an event, which names one of them (M7)', () => {
    const event = { series: 's', direction: 'above', value: 2, when: 'within' };
    expect(problems(series([1, 2], { event }))).toEqual([]);
    expect(problems(series([1, 2], { event: { ...event, series: 'x' } }))).toEqual([
      'impressions.event.series: names no series',
    ]);
    expect(problems(series([1, 2], { event: { ...event, direction: 'near' } }))).toHaveLength(1);
  });

  test('has a name of its own (M7)', () => {
    const one = { name: 's', times: ['2026-01-01', '2026-01-02'], values: [1, 2] };
    expect(problems(series([1, 2], { series: [one, one] }))).toEqual(['impressions.series: names must differ']);
  });
});

describe('a table', () => {
  const rows = [
    [1, 2],
    [2, null],
    [3, 1],
  ];

  test('may have gaps, and ratings for each row (M8)', () => {
    expect(problems(table(rows))).toEqual([]);
    expect(problems(table(rows, { ratings: [1, null, 2] }))).toEqual([]);
    expect(problems(table(rows, { ratings: [1] }))).toEqual(['impressions.ratings: must be as many as rows']);
  });

  test('has as many values in each row as dimensions, each named once, none constant (M8)', () => {
    expect(problems(table([[1, 2], [1], [3, 4]]))).toEqual(['impressions.rows.1: must have one value a dimension']);
    expect(problems(table(rows, { dimensions: ['a', 'a'] }))).toEqual(['impressions.dimensions: names must differ']);
    expect(
      problems(
        table([
          [1, 2],
          [1, 3],
          [1, 4],
        ]),
      ),
    ).toEqual(['impressions.dimensions.0: is constant: every row has the same value, or none']);
    expect(problems(table([...rows, [null, null]]))).toEqual(['impressions.rows.3: has no values']);
    expect(problems(table(rows.slice(0, 2)))[0]).toContain('impressions.rows: Too small');
  });
});

describe('metadata', () => {
  const withMetadata = (metadata: unknown) => ({ sessionType: 'remote_viewing', cue: 'c', metadata });

  test('keeps what the client wants, up to 64 kB and without NUL (A1)', () => {
    expect(problems(withMetadata({ a: { b: [1, null, 'x'] }, training_consent: true }))).toEqual([]);
    expect(problems(withMetadata({ a: 'x'.repeat(70_000) }))).not.toEqual([]);
    expect(problems(withMetadata({ a: '\u0000' }))).not.toEqual([]);
    // Text that only looks like an escape of it.
    expect(problems(withMetadata({ a: '\\u0000', b: '\\\\ud800', c: '\ud83d\ude00' }))).toEqual([]);
    expect(problems(withMetadata({ a: '\\\ud800' }))).not.toEqual([]);
    expect(problems(withMetadata([1]))).not.toEqual([]);
  });

  test('a pool of targets has at least two of them (M5)', () => {
    expect(problems(withMetadata({ targets: [{ id: 'a', words: ['x'] }] }))).not.toEqual([]);
    expect(
      problems(
        withMetadata({
          targets: [
            { id: 'a', words: ['x'] },
            { id: 'b', words: ['y'] },
          ],
        }),
      ),
    ).toEqual([]);
  });

  const png = {
    mediaType: 'image/png',
    base64: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg==',
  };

  test('a target has words, an image, or both; what is wrong with one is told by its path (M5)', () => {
    const pool = (target: object) =>
      problems(
        withMetadata({
          targets: [
            { id: 'a', words: ['x'] },
            { id: 'b', image: png },
            { id: 'c', ...target },
          ],
        }),
      );
    expect(pool({ words: ['y'], image: png })).toEqual([]);
    expect(pool({})).toEqual(['metadata.targets.2: needs words, an image, or both']);
    expect(pool({ image: { ...png, mediaType: 'image/jpeg' } })).toEqual([
      'metadata.targets.2.image.base64: is no whole file of image/jpeg',
    ]);
    expect(pool({ words: ['y'], hasImage: true })[0]).toMatch(/^metadata\.targets\.2: .*hasImage/);
  });

  test('images do not count into its 64 kB, and are not kept in the row (D1, M5)', () => {
    const base64 = Buffer.concat([Buffer.from(png.base64, 'base64'), Buffer.alloc(100_000)]).toString('base64');
    const body = withMetadata({
      training_consent: true,
      targets: [
        { id: 'a', words: ['x'] },
        { id: 'b', image: { mediaType: 'image/png', base64 } },
      ],
    });
    expect(keptMetadata(sessionContentSchema.parse(body))).toEqual({
      training_consent: true,
      targets: [
        { id: 'a', words: ['x'] },
        { id: 'b', hasImage: true },
      ],
    });
    expect(keptMetadata({ metadata: { targets: 'no pool' } })).toEqual({ targets: 'no pool' });
    expect(keptMetadata({})).toBeNull();
  });
});
