import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findState } from '../db/sessions.ts';
import { startTestApi, type Answer, type CallOptions, type TestApi, type TestUser } from '../tests/api.ts';
import { alteredToken, confusedToken, goodClaims, ourSigningKey, signedToken, unsignedToken } from '../tests/tokens.ts';
import { newId } from './identity.ts';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi();
  user = await api.newUser();
});
afterAll(() => api.close());

/** Sends a session that must be refused, and looks that nothing of it was stored: no row, no tombstone, no object. */
async function expectNothingStored(options: CallOptions): Promise<Answer> {
  const key = randomUUID();
  const answer = await api.call('POST', '/v1/sessions', {
    token: user.token,
    ...options,
    headers: { 'Idempotency-Key': key, ...options.headers },
  });
  const sessionId = newId('session', user.id, key);
  expect(await findState(api.resources.database.asUser(user.id), sessionId)).toBeNull();
  expect(await api.resources.objects.deletePrefix(`sessions/${sessionId}/`)).toBe(0);
  const list = await api.call('GET', '/v1/sessions', { token: user.token });
  expect(list.body.data).toEqual({ items: [], nextCursor: null });
  return answer;
}

const words = { words: ['a tower'] };
const remoteViewing = (impressions: unknown) => ({ sessionType: 'remote_viewing', cue: 'NNNN-1234', impressions });
const dowsing = (points: unknown[]) => ({
  sessionType: 'dowsing',
  cue: 'Is it here?',
  impressions: { question: 'Is it here?', trace: { points } },
});
const precognition = (series: object, horizon: unknown = 2) => ({
  sessionType: 'precognition',
  cue: 'What comes?',
  impressions: {
    series: [{ name: 'a', times: ['2026-01-01', '2026-01-02', '2026-01-03'], values: [1, 2, 3], ...series }],
    horizon,
  },
});
const patterns = (rows: unknown) => ({
  sessionType: 'intuitive_analysis',
  cue: 'Which belong together?',
  impressions: { dimensions: ['a', 'b'], rows },
});
const sketchOf = (points: unknown[]) =>
  remoteViewing({ sketches: [{ width: 100, height: 100, strokes: [{ points }] }] });

describe('a session that is not as it should be is refused by 400 with the field’s name, and nothing is stored', () => {
  const cases: [string, unknown, string][] = [
    ['an unknown type', { sessionType: 'tarot', cue: 'x' }, 'sessionType'],
    ['no type', { cue: 'x' }, 'sessionType'],
    ['impressions of another type', remoteViewing({ question: 'x', trace: { points: [] } }), 'impressions'],
    ['a table sent as dowsing', { ...patterns([[1, 2]]), sessionType: 'dowsing' }, 'impressions'],
    ['impressions that hold nothing', remoteViewing({}), 'impressions'],
    ['a sketch of 0 points', sketchOf([]), 'impressions.sketches.0.strokes.0.points'],
    [
      'a sketch of 100,001 points',
      sketchOf(Array.from({ length: 100_001 }, () => ({ x: 1, y: 1 }))),
      'impressions.sketches.0.strokes.0.points',
    ],
    [
      '100,001 points over two sketches',
      remoteViewing({
        sketches: [50_000, 50_001].map((length) => ({
          width: 9,
          height: 9,
          strokes: [{ points: Array.from({ length }, () => ({ x: 1, y: 1 })) }],
        })),
      }),
      'impressions',
    ],
    ['a point off the canvas', sketchOf([{ x: 101, y: 1 }]), 'impressions.sketches.0.strokes.0.points.0'],
    [
      'a point that is null, as JSON writes NaN',
      sketchOf([{ x: Number.NaN, y: 1 }]),
      'impressions.sketches.0.strokes.0.points.0.x',
    ],
    [
      'a stroke whose times run backwards',
      sketchOf([
        { x: 1, y: 1, tMs: 5 },
        { x: 1, y: 1, tMs: 4 },
      ]),
      'impressions.sketches.0.strokes.0.points',
    ],
    [
      'a pendulum trace whose times run backwards',
      dowsing([
        { x: 1, y: 1, tMs: 5 },
        { x: 1, y: 1, tMs: 4 },
      ]),
      'impressions.trace.points',
    ],
    ['a trace of one point', dowsing([{ x: 1, y: 1, tMs: 5 }]), 'impressions.trace.points'],
    [
      'a series whose times run backwards',
      precognition({ times: ['2026-01-02', '2026-01-01', '2026-01-03'] }),
      'impressions.series.0.times',
    ],
    [
      'a series with a time that is none',
      precognition({ times: ['2026-01-01', '2026-02-30', '2026-03-03'] }),
      'impressions.series.0.times.1',
    ],
    ['more values than times', precognition({ values: [1, 2, 3, 4] }), 'impressions.series.0.values'],
    ['a horizon of 0', precognition({}, 0), 'impressions.horizon'],
    [
      'a table of two rows',
      patterns([
        [1, 2],
        [3, 4],
      ]),
      'impressions.rows',
    ],
    [
      'a row of missing values',
      patterns([
        [1, 2],
        [3, 4],
        [null, null],
      ]),
      'impressions.rows.2',
    ],
    [
      'a constant column',
      patterns([
        [1, 2],
        [1, 3],
        [1, 4],
      ]),
      'impressions.dimensions.0',
    ],
    ['rows of unequal length', patterns([[1, 2], [3], [4, 5]]), 'impressions.rows.1'],
    ['an empty cue', { ...remoteViewing(words), cue: '' }, 'cue'],
    ['a cue of blanks', { ...remoteViewing(words), cue: ' \n\t ' }, 'cue'],
    ['a cue of 10,001 characters', { ...remoteViewing(words), cue: 'x'.repeat(10_001) }, 'cue'],
    ['a cue that holds NUL', { ...remoteViewing(words), cue: 'a\u0000b' }, 'cue'],
    ['a word that holds NUL', remoteViewing({ words: ['a\u0000b'] }), 'impressions.words.0'],
    ['metadata that holds NUL', { ...remoteViewing(words), metadata: { a: ['\u0000'] } }, 'metadata'],
    ['a cue that is a number', { ...remoteViewing(words), cue: 7 }, 'cue'],
    ['a field that is none', { ...remoteViewing(words), colour: 'blue' }, 'body'],
    ['a user of its own choice', { ...remoteViewing(words), userId: randomUUID() }, 'body'],
    ['an id of its own choice', { ...remoteViewing(words), id: randomUUID() }, 'body'],
    ['half a character in the cue', { ...remoteViewing(words), cue: 'a \ud83d' }, 'cue'],
    ['half a character in the metadata', { ...remoteViewing(words), metadata: { note: ['\ud83d'] } }, 'metadata'],
    ['half a character in a name of the metadata', { ...remoteViewing(words), metadata: { '\udc00': 1 } }, 'metadata'],
    ['half a character in what was recorded', remoteViewing({ words: ['\ud83d'] }), 'impressions.words.0'],
    ['a list', [remoteViewing(words)], 'body'],
    ['a text', 'session', 'body'],
    ['null', null, 'body'],
  ];
  test.each(cases)('%s', async (_name, body, path) => {
    const answer = await expectNothingStored({ body });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('validation_failed');
    expect(answer.body.error?.details?.map((detail) => detail.path)).toContain(path);
  });

  test.each([
    ['in the metadata', '{"sessionType":"dowsing","cue":"x","metadata":{"a":', '}}'],
    ['from its beginning', '', ''],
  ])('what nests without end, %s', async (_where, before, after) => {
    const text = `${before}${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}${after}`;
    const answer = await expectNothingStored({ text });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe('body');
  });

  test('an infinite number, as JSON can write one', async () => {
    const text = JSON.stringify(sketchOf([{ x: 77, y: 1 }])).replace('77', '1e999');
    const answer = await expectNothingStored({ text });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe('impressions.sketches.0.strokes.0.points.0.x');
  });

  test('a sentence for each thing that is wrong, and never more than fifty', async () => {
    const points = Array.from({ length: 5_000 }, () => ({ x: 'left', y: 1 }));
    const answer = await expectNothingStored({ body: sketchOf(points) });
    expect(answer.body.error?.details).toHaveLength(50);
  });
});

describe('a body that cannot be read is refused, and nothing is stored', () => {
  test.each([
    ['malformed JSON', '{"sessionType":'],
    ['NaN, which is no JSON', JSON.stringify(sketchOf([{ x: 77, y: 1 }])).replace('77', 'NaN')],
    ['Infinity, which is no JSON', JSON.stringify(sketchOf([{ x: 77, y: 1 }])).replace('77', 'Infinity')],
  ])('%s: 400 malformed_json', async (_name, text) => {
    const answer = await expectNothingStored({ text });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('malformed_json');
  });

  test('in another encoding than UTF-8: 415', async () => {
    const answer = await expectNothingStored({
      text: new Uint8Array(Buffer.from(JSON.stringify(remoteViewing(words)), 'utf16le')),
      headers: { 'Content-Type': 'application/json; charset=utf-16' },
    });
    expect(answer.status).toBe(415);
  });

  test('over ten megabytes: 413', async () => {
    const answer = await expectNothingStored({ text: `{"cue":"${'x'.repeat(10 * 1024 * 1024)}"}` });
    expect(answer.status).toBe(413);
    expect(answer.body.error?.code).toBe('payload_too_large');
  });

  test('small on the wire, over ten megabytes once unpacked: 413', async () => {
    const answer = await expectNothingStored({
      text: new Uint8Array(gzipSync(`{"cue":"${'x'.repeat(20 * 1024 * 1024)}"}`)),
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect(answer.status).toBe(413);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'sent as %s: 415',
    async (contentType) => {
      const answer = await expectNothingStored({
        text: JSON.stringify(remoteViewing(words)),
        headers: { 'Content-Type': contentType },
      });
      expect(answer.status).toBe(415);
      expect(answer.body.error?.code).toBe('unsupported_media_type');
    },
  );

  test('in an encoding that is unknown: 415', async () => {
    const answer = await expectNothingStored({
      text: JSON.stringify(remoteViewing(words)),
      headers: { 'Content-Encoding': 'snappy' },
    });
    expect(answer.status).toBe(415);
  });

  test('none at all: 400', async () => {
    expect((await expectNothingStored({})).body.error?.details?.[0]?.path).toBe('body');
  });
});

describe('a token that is not good is refused by 401 before anything is read, and nothing is stored', () => {
  const key = ourSigningKey();
  const claims = () => goodClaims(user.id);
  const cases: [string, () => string | undefined | Promise<string>][] = [
    ['none', () => undefined],
    ['an expired one', () => signedToken(key, { ...claims(), exp: Math.floor(Date.now() / 1_000) - 1 })],
    ['an altered one', () => alteredToken(user.token, { tier: 'enterprise' })],
    ['one with alg none', () => unsignedToken(key, claims())],
    ['one signed by HS256 with the public key', () => confusedToken(key, claims())],
    ['a refresh token', () => user.refreshToken],
  ];
  test.each(cases)('%s', async (_name, token) => {
    const answer = await expectNothingStored({ body: remoteViewing(words), token: await token() });
    expect(answer.status).toBe(401);
    expect(answer.body.error?.code).toBe('unauthenticated');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('one without the permission is refused by 403, which names it', async () => {
    const token = await signedToken(key, { ...claims(), permissions: ['session:read'] });
    const answer = await expectNothingStored({ body: remoteViewing(words), token });
    expect(answer.status).toBe(403);
    expect(answer.body.error?.details).toEqual([{ path: 'permission', message: 'needs session:create' }]);
  });
});

test('a body cannot reach the prototypes of our objects', async () => {
  const text =
    '{"__proto__":{"tier":"enterprise"},"sessionType":"remote_viewing","cue":"x","metadata":{"__proto__":{"polluted":true}}}';
  await api.call('POST', '/v1/sessions', { token: user.token, text, headers: { 'Content-Type': 'text/plain' } });
  const answer = await expectNothingStored({ text });
  expect(answer.status).toBe(400);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
