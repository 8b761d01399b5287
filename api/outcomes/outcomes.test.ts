import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ConsentedOutcome, consentedOutcomes, findOutcome, recordOutcome } from '../../db/outcomes.ts';
import { recordStep } from '../../db/sessionSteps.ts';
import type { ModelResult } from '../../domain/results.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { exampleOf } from '../../tests/examples.ts';
import type { OutcomeView, TrackRecordView } from './schemas.ts';

let api: TestApi;
let user: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  api = await startTestApi({ worker: true });
  [user, stranger] = await Promise.all([api.newUser(), api.newUser()]);
});
afterAll(() => api.close());

const common = {
  model: { name: 'dowsing', version: '2.0.0', backend: 'js' },
  chance: { value: 0.5, meaning: 'A coin toss.' },
  summary: 'One sentence.',
  limits: 'Another one.',
};
const answered = (yes: number, no: number): ModelResult => ({
  resultType: 'dowsing.answer',
  confidenceScore: Math.max(yes, no),
  data: { ...common, yes, no, unclear: 1 - yes - no, interval: [0, 1] },
});

const codeOf = (answer: Answer) => answer.body.error?.code;
const pathsOf = (answer: Answer) => answer.body.error?.details?.map(({ path }) => path);
const outcomeOf = (answer: Answer): OutcomeView => answer.body.data;

async function created(body: object, owner = user): Promise<string> {
  const answer = await api.call('POST', '/v1/sessions', { token: owner.token, body: { ...body, autoAnalyze: false } });
  expect(answer.status).toBe(201);
  return (answer.body.data as { id: string }).id;
}

/** Stores results as the analysis would. */
async function analyze(sessionId: string, results: readonly ModelResult[]): Promise<void> {
  const event = await recordStep(api.resources.database.asService(), {
    sessionId,
    from: ['created'],
    status: 'notifying',
    step: 'analyze',
    type: 'analysis_completed',
    results: results.map((result) => ({ ...result, id: randomUUID() })),
  });
  expect(event).not.toBeNull();
}

/** A dowsing session that was read so. */
async function dowsed(result = answered(0.8, 0.1), owner = user, metadata: object = {}): Promise<string> {
  const id = await created({ ...(await exampleOf('dowsing')), metadata }, owner);
  await analyze(id, [result]);
  return id;
}

const record = (id: string, body: unknown, owner = user) =>
  api.call('POST', `/v1/sessions/${id}/outcome`, { token: owner.token, body });
const read = (id: string, owner = user) => api.call('GET', `/v1/sessions/${id}/outcome`, { token: owner.token });

describe('an outcome', () => {
  test('is recorded with when and by whom, scores the session beside chance, and GET reads the same (G1)', async () => {
    const id = await dowsed();
    const answer = await record(id, { outcome: { answer: 'yes' }, knownAt: '2026-03-01T12:00:00+02:00' });
    expect(answer.status).toBe(200);
    expect(outcomeOf(answer)).toMatchObject({
      sessionId: id,
      outcome: { answer: 'yes' },
      knownAt: '2026-03-01T10:00:00.000Z',
      recordedBy: user.id,
      trial: { hit: true, chance: 0.5 },
    });
    const brier = outcomeOf(answer).scores.find(({ name }) => name === 'brier');
    expect(brier).toMatchObject({ of: 'dowsing.answer', chance: 0.25, better: 'lower' });
    expect(brier?.value).toBeCloseTo(0.15 ** 2);
    expect(outcomeOf(await read(id))).toEqual(outcomeOf(answer));
  });

  test.each([
    ['before the first year', '0000-06-01T00:00:00Z', 400],
    ['after the last year', '9999-12-31T23:59:59-14:00', 400],
    ['far from UTC', '2026-03-01T12:00:00+23:59', 200],
  ])('known at a moment %s is taken if the database can hold it', async (_when, knownAt, status) => {
    const answer = await record(await dowsed(), { outcome: { answer: 'yes' }, knownAt });
    expect(answer.status).toBe(status);
    if (status === 200) expect(outcomeOf(answer).knownAt).toBe('2026-02-28T12:01:00.000Z');
  });

  test('stays: the same again answers the same, another one is refused by 409', async () => {
    const id = await dowsed();
    const first = await record(id, { outcome: { answer: 'no' } });
    const again = await record(id, { outcome: { answer: 'no' } });
    expect([again.status, outcomeOf(again)]).toEqual([200, outcomeOf(first)]);
    const other = await record(id, { outcome: { answer: 'yes' } });
    expect([other.status, codeOf(other)]).toEqual([409, 'outcome_recorded']);
    expect(outcomeOf(await read(id)).outcome).toEqual({ answer: 'no' });
  });

  test('of many at once is recorded once', async () => {
    const id = await dowsed();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => record(id, { outcome: { answer: i % 2 === 0 ? 'yes' : 'no' } })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(answers.filter((answer) => codeOf(answer) === 'outcome_recorded')).toHaveLength(4);
  });

  test('waits for the analysis, and a session that ended without one has none', async () => {
    const id = await created(await exampleOf('dowsing'));
    const early = await record(id, { outcome: { answer: 'yes' } });
    expect([early.status, codeOf(early)]).toEqual([409, 'results_not_ready']);
    await recordStep(api.resources.database.asService(), {
      sessionId: id,
      from: ['created'],
      status: 'cancelled',
      step: null,
      type: 'cancelled',
    });
    expect(codeOf(await record(id, { outcome: { answer: 'yes' } }))).toBe('session_ended');
  });

  test("of somebody else's session cannot be told from one that never was (I5)", async () => {
    const id = await dowsed();
    await record(id, { outcome: { answer: 'yes' } });
    for (const session of [id, randomUUID()]) {
      expect((await record(session, { outcome: { answer: 'yes' } }, stranger)).status).toBe(404);
      expect((await read(session, stranger)).status).toBe(404);
    }
    expect(await findOutcome(api.resources.database.asUser(stranger.id), id)).toBeNull();
    const forged = {
      sessionId: id,
      outcome: { answer: 'yes' as const },
      scorecard: { scores: [], trial: null, claim: null },
    };
    const byStranger = { ...forged, knownAt: new Date().toISOString(), recordedBy: stranger.id };
    expect(await recordOutcome(api.resources.database.asUser(stranger.id), byStranger)).toBeNull();
    expect((await read(await dowsed())).status).toBe(404);
  });

  test('goes with its session', async () => {
    const id = await dowsed();
    await record(id, { outcome: { answer: 'yes' } });
    expect((await api.call('DELETE', `/v1/sessions/${id}`, { token: user.token })).status).toBe(200);
    expect((await read(id)).status).toBe(404);
    expect(await findOutcome(api.resources.database.asService(), id)).toBeNull();
  });
});

describe('an outcome that does not fit its session is refused by 400 with the field’s name', () => {
  const forecast = (): ModelResult => ({
    resultType: 'precognition.forecast',
    confidenceScore: 0.5,
    data: {
      ...common,
      series: [
        {
          name: 'a',
          times: ['2026-01-04', '2026-01-05'],
          q10: [1, 1],
          q50: [2, 2],
          q90: [3, 3],
          seasonalNaive: [3, 3],
          naiveError: 1,
        },
      ],
    },
  });
  const series = {
    sessionType: 'precognition',
    cue: 'c',
    impressions: {
      series: [{ name: 'a', times: ['2026-01-01', '2026-01-02', '2026-01-03'], values: [1, 2, 3] }],
      horizon: 2,
    },
  };
  const table = {
    sessionType: 'intuitive_analysis',
    cue: 'c',
    impressions: { dimensions: ['a'], rows: [[1], [2], [9]] },
  };
  const patterns: ModelResult = {
    resultType: 'intuitive_analysis.patterns',
    confidenceScore: 0.5,
    data: {
      ...common,
      clusters: { labels: [0, 0, 1], count: 2, stability: 1 },
      anomalies: [0.1, 0.2, 0.9].map((score, row) => ({ row, score, because: [] })),
      importance: [],
      similar: [],
      map: [],
    },
  };
  const pool = { targets: ['a', 'b'].map((id) => ({ id, words: ['water'] })) };
  const viewing = { sessionType: 'remote_viewing', cue: 'c', impressions: { words: ['sea'] }, metadata: pool };
  const objects: ModelResult = {
    resultType: 'remote_viewing.objects',
    confidenceScore: 0.5,
    data: { ...common, objects: [{ name: 'boat', probability: 1 }], classes: ['boat'] },
  };

  test.each<[string, object, ModelResult, object, string]>([
    ['an answer to a search', series, forecast(), { answer: 'yes' }, 'outcome.series'],
    [
      'a series that was not asked for',
      series,
      forecast(),
      { series: [{ name: 'b', values: [1, 2] }] },
      'outcome.series.0.name',
    ],
    ['too few values', series, forecast(), { series: [{ name: 'a', values: [1] }] }, 'outcome.series.0.values'],
    ['a row that is not there', table, patterns, { anomalies: [2, 3] }, 'outcome.anomalies.1'],
    ['too few groups', table, patterns, { groups: ['x'] }, 'outcome.groups'],
    ['a target that is not in the pool', viewing, objects, { targetId: 'c' }, 'outcome.targetId'],
    ['an object that the model does not know', viewing, objects, { objects: ['boat', 'yacht'] }, 'outcome.objects.1'],
    ['nothing', viewing, objects, {}, 'outcome'],
  ])('%s', async (_name, body, result, outcome, path) => {
    const id = await created(body);
    await analyze(id, [result]);
    const answer = await record(id, { outcome });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'validation_failed']);
    expect(pathsOf(answer)).toContain(path);
    expect((await read(id)).status).toBe(404);
  });

  test('a location for a question of yes or no', async () => {
    const answer = await record(await dowsed(), { outcome: { location: { lon: 1, lat: 1 } } });
    expect([answer.status, pathsOf(answer)]).toEqual([400, ['outcome.answer']]);
  });

  test('one that fits is scored, a forecast beside the seasonal-naive one (M7)', async () => {
    const id = await created(series);
    await analyze(id, [forecast()]);
    const { scores, trial } = outcomeOf(await record(id, { outcome: { series: [{ name: 'a', values: [2, 3] }] } }));
    expect(scores.find(({ name }) => name === 'mase')).toMatchObject({ of: 'a', value: 0.5, chance: 0.5 });
    expect(trial).toBeNull();
  });
});

describe('the track record', () => {
  test('counts hits beside what chance alone would give, by type and together, and nobody else’s', async () => {
    const [person, other] = await Promise.all([api.newUser(), api.newUser()]);
    const empty = await api.call('GET', '/v1/me/track-record', { token: person.token });
    expect((empty.body.data as TrackRecordView).together).toMatchObject({
      sessions: 0,
      trials: 0,
      p: 1,
      hitRate: null,
    });
    for (const [yes, no, truth] of [
      [0.8, 0.1, 'yes'],
      [0.9, 0.05, 'yes'],
      [0.1, 0.8, 'yes'],
      [0.2, 0.2, 'no'],
    ] as const) {
      await record(await dowsed(answered(yes, no), person), { outcome: { answer: truth } }, person);
    }
    await record(await dowsed(answered(0.8, 0.1), other), { outcome: { answer: 'yes' } }, other);
    await dowsed(answered(0.8, 0.1), person);

    const answer = await api.call('GET', '/v1/me/track-record', { token: person.token });
    const { bySessionType, together, note } = answer.body.data as TrackRecordView;
    // Four recorded, one of them unclear: two hits of three, against a coin toss.
    expect(together).toMatchObject({ sessions: 4, trials: 3, hits: 2, expectedByChance: 1.5, p: 0.5 });
    expect(together.hitRate).toBeCloseTo(2 / 3);
    expect(together.scores.find(({ name }) => name === 'brier')).toMatchObject({ sessions: 4, chanceMean: 0.25 });
    expect(together.calibration.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    expect(bySessionType).toEqual([{ sessionType: 'dowsing', ...together }]);
    expect(note).toContain('chance alone would give');
  });
});

test('only sessions whose owner agreed become training data, in pages, and an erased one no longer (M4)', async () => {
  const em = api.resources.database.asService();
  const all = async (limit: number) => {
    const found: string[] = [];
    for (let after: string | null = null; ;) {
      const page: ConsentedOutcome<'dowsing'>[] = await consentedOutcomes(em, 'dowsing', after, limit);
      found.push(...page.map(({ sessionId }) => sessionId));
      after = page.at(-1)?.sessionId ?? null;
      if (after === null) return found;
    }
  };
  const agreed = [
    await dowsed(answered(0.8, 0.1), user, { training_consent: true }),
    await dowsed(answered(0.8, 0.1), user, { training_consent: true }),
  ];
  const not = [await dowsed(answered(0.8, 0.1), user, { training_consent: false }), await dowsed()];
  for (const id of [...agreed, ...not]) await record(id, { outcome: { answer: 'yes' } });
  const unknown = await dowsed(answered(0.8, 0.1), user, { training_consent: true });

  const found = await all(1);
  expect(found).toEqual(await all(100));
  expect(found).toEqual(expect.arrayContaining(agreed));
  for (const id of [...not, unknown]) expect(found).not.toContain(id);
  const [first = ''] = agreed;
  const session = (await consentedOutcomes(em, 'dowsing', null, 1_000)).find(({ sessionId }) => sessionId === first);
  expect(session?.outcome).toEqual({ answer: 'yes' });
  expect(session?.contentKey).toContain(first);
  await api.call('DELETE', `/v1/sessions/${first}`, { token: user.token });
  expect(await all(100)).not.toContain(first);
});
