import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { addComparisons } from '../../db/comparisons.ts';
import { Model, ModelChange, ModelComparison, ModelVersion } from '../../db/entities.ts';
import { activeVersion, registerVersion } from '../../db/models.ts';
import { cacheKeys } from '../../integrations/sessionCache.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';

let api: TestApi;
let user: TestUser;
const tokens: Record<'operator' | 'admin', string> = { operator: '', admin: '' };

/** The model that these tests change; what stood in its rows before stands there after. */
const name = 'dowsing';
const run = randomUUID().slice(0, 8);
const versions = [`0.0.1-${run}`, `0.0.2-${run}`] as const;
const [first, second] = versions;
let active: string;

const em = () => api.resources.database.asService();
const post = (what: string, body: object, token = tokens.operator): Promise<Answer> =>
  api.call('POST', `/v1/models/${name}/${what}`, { token, body });
const get = (path: string, token = user.token): Promise<Answer> => api.call('GET', `/v1/models${path}`, { token });

interface Page {
  active: { version: string; figures: { chance: number }[] };
  canary: { version: string; share: number } | null;
  shadow: { version: string; comparisons: object[] } | null;
  drift: { days: number; features: { feature: string; index: number | null; reading: string; sessions: number }[] };
  changes: { kind: string; from: string | null; to: string | null; by: string | null; reason: string | null }[];
}
const page = async (): Promise<Page> => (await get(`/${name}`)).body.data;

beforeAll(async () => {
  api = await startTestApi({ worker: true });
  user = await api.newUser();
  for (const role of ['operator', 'admin'] as const) tokens[role] = (await api.newUser(role)).token;
  active = (await activeVersion(em(), name))?.version ?? '';
});
afterAll(() => api.close());

beforeEach(async () => {
  for (const version of versions) {
    await registerVersion(em(), {
      name,
      version,
      artefactKey: `models/SECRET-KEY/${version}`,
      sha256: 'c0ffee'.padEnd(64, '0'),
      figures: [{ name: 'AUC', value: 0.9, chance: 0.5, chanceIs: 'a coin toss' }],
      seed: 7,
      sessions: 1_000,
      backend: 'tensorflow-cpu',
      profile: { yes: { edges: [0.5], shares: [0.5, 0.5] } },
      card: `# Card of ${version}`,
    });
  }
});
afterEach(async () => {
  const before = { activeVersion: active, canaryVersion: null, canaryShare: 0, shadowVersion: null };
  await em().nativeUpdate(Model, { name }, before);
  const ours = [...versions];
  await em().nativeDelete(ModelChange, { name, $or: [{ fromVersion: ours }, { toVersion: ours }] });
  await em().nativeDelete(ModelVersion, { name, version: ours });
  await em().nativeDelete(ModelComparison, { name, shadowVersion: ours });
  await api.deps.cache.cacheEntry('activeModels').forget();
});

describe('who may change a model (M2, I5)', () => {
  const changes: [string, object][] = [
    ['promote', { version: first }],
    ['rollback', {}],
    ['canary', { version: first, share: 0.1 }],
    ['shadow', { version: first }],
  ];
  test.each(changes)(
    '%s: a stranger is asked to log in, a user is refused, and nothing changes',
    async (what, body) => {
      const stranger = await api.call('POST', `/v1/models/${name}/${what}`, { body });
      expect(stranger.status).toBe(401);
      const refused = await post(what, body, user.token);
      expect(refused.status).toBe(403);
      expect(refused.body.error?.details).toEqual([{ path: 'permission', message: 'needs model:manage' }]);
      expect(await page()).toMatchObject({ active: { version: active }, canary: null, shadow: null });
    },
  );

  test.each(['operator', 'admin'] as const)('an %s may', async (role) => {
    const answer = await post('promote', { version: first, reason: 'It is better.' }, tokens[role]);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ active: { version: first } });
  });

  test.each(['', `/${name}`, `/${name}/versions`, `/${name}/card`])('everybody may read /v1/models%s', async (path) => {
    expect((await api.call('GET', `/v1/models${path}`)).status).toBe(401);
    for (const token of [user.token, tokens.operator]) expect((await get(path, token)).status).toBe(200);
  });

  test('nobody is served an artefact’s place or checksum, or a profile', async () => {
    await post('promote', { version: first });
    for (const path of ['', `/${name}`, `/${name}/versions`, `/${name}/card`]) {
      const { text } = await get(path, tokens.admin);
      expect(text).not.toMatch(/SECRET-KEY|c0ffee|edges|shares|artefactKey|sha256/);
    }
  });
});

describe('promoting and rolling back', () => {
  test('shows at once in the list of active models, from Redis too (D2)', async () => {
    const activeNow = async () => {
      const { items } = (await get('')).body.data as unknown as { items: { name: string; version: string }[] };
      return items.find((item) => item.name === name)?.version;
    };
    expect(await activeNow()).toBe(active);
    await post('promote', { version: first });
    const cached = await api.deps.cache.cacheEntry('activeModels').get();
    expect(cached).toContain(`"version":"${first}"`);
    expect(cacheKeys.activeModels.lifetimeMs).toBe(600_000);
    expect(await activeNow()).toBe(first);
  });

  test('leaves one row a change that says who, what and why, however often it is pressed', async () => {
    for (let press = 0; press < 2; press++) await post('promote', { version: first, reason: 'Better at 0.3.' });
    await post('rollback', {});
    // In a hurry nobody writes a body.
    await api.call('POST', `/v1/models/${name}/rollback`, { token: tokens.operator });
    const { changes, active: now } = await page();
    expect(now.version).toBe(active);
    const operator = (await api.deps.tokens.verify(tokens.operator)).userId;
    expect(changes.slice(0, 2)).toMatchObject([
      { kind: 'rollback', from: first, to: active, by: operator, reason: null },
      { kind: 'promote', from: active, to: first, by: operator, reason: 'Better at 0.3.' },
    ]);
    expect(changes.filter(({ from, to }) => [from, to].includes(first))).toHaveLength(2);
  });

  test('of an unknown version or model names what is unknown', async () => {
    const version = await post('promote', { version: '9.9.9' });
    expect(version.status).toBe(400);
    const message = 'is not a registered version of dowsing';
    expect(version.body.error?.details).toEqual([{ path: 'version', message }]);
    const model = await api.call('POST', '/v1/models/astrology/promote', {
      token: tokens.operator,
      body: { version: '1.0.0' },
    });
    expect(model.status).toBe(404);
    expect(model.body.error?.details?.[0]).toMatchObject({ path: 'name' });
    expect((await get('/astrology')).status).toBe(404);
    expect((await get(`/${name}/card?version=9.9.9`)).status).toBe(404);
  });

  test('has nothing to go back to where the newest promotion was the first', async () => {
    const promotions = { name, kind: 'promote' } as const;
    const kept = await em().find(ModelChange, promotions);
    await em().nativeDelete(ModelChange, promotions);
    const answer = await post('rollback', {});
    await em().insertMany(ModelChange, kept);
    expect(answer.status).toBe(409);
    expect(answer.body.error?.code).toBe('no_earlier_version');
  });
});

describe('a canary and a shadow', () => {
  test('a canary gets its share, and a share of 0 ends it', async () => {
    expect((await post('canary', { version: first, share: 0.2 })).body.data).toMatchObject({
      canary: { version: first, share: 0.2 },
      active: { version: active },
    });
    expect((await post('canary', { share: 0 })).body.data).toMatchObject({ canary: null });
  });

  test.each([
    ['share', { version: first, share: 1.5 }],
    ['share', { version: first, share: -0.1 }],
    ['share', { version: first }],
    ['version', { share: 0.5 }],
    ['version', { version: '9.9.9', share: 0.5 }],
  ])('a canary with a wrong %s is refused by its name', async (path, body) => {
    const answer = await post('canary', body);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe(path);
  });

  test('the active version is neither', async () => {
    for (const [what, body] of [
      ['canary', { version: active, share: 0.5 }],
      ['shadow', { version: active }],
    ] as const) {
      const { status, body: envelope } = await post(what, body);
      expect(status).toBe(400);
      expect(envelope.error?.details).toEqual([{ path: 'version', message: 'is the active version already' }]);
    }
  });

  test('a shadow shows how it compared, and null ends it', async () => {
    expect((await post('shadow', { version: second })).body.data).toMatchObject({
      shadow: { version: second, comparisons: [] },
    });
    const pair = { name, version: active, shadowVersion: second } as const;
    const resultType = 'dowsing.answer';
    for (const agreed of [true, true, true, false]) {
      await addComparisons(em(), pair, [{ resultType, agreed, confidenceDifference: 0.5 }]);
    }
    expect((await page()).shadow?.comparisons).toEqual([
      { against: active, resultType, sessions: 4, agreement: 0.75, confidenceDifference: 0.5 },
    ]);
    expect((await post('shadow', { version: null })).body.data).toMatchObject({ shadow: null });
  });
});

describe('the page of a model', () => {
  test('has the versions with their figures beside chance, and the card of each', async () => {
    const { items } = (await get(`/${name}/versions`)).body.data as unknown as {
      items: { version: string; seed: number; figures: object[] }[];
    };
    const newest = items.find(({ version }) => version === first);
    expect(newest).toMatchObject({ seed: 7, figures: [{ value: 0.9, chance: 0.5, meaning: 'a coin toss' }] });
    expect((await get(`/${name}/card?version=${first}`)).body.data).toEqual({
      name,
      version: first,
      markdown: `# Card of ${first}`,
    });
    const card = (await get(`/${name}/card`)).body.data as unknown as { markdown: string };
    expect(card.markdown).toContain('# Dowsing');
  });

  test('reads drift against the training, says on how many sessions, and shows it as a metric', async () => {
    await post('promote', { version: first });
    const model = { name, version: first };
    const { driftCounts } = api.deps;
    const feature = 'yes';
    const count = (bin: number, sessions: number) =>
      Promise.all(Array.from({ length: sessions }, () => driftCounts.add(model, { [feature]: bin })));

    await count(0, 150);
    expect((await page()).drift.features).toEqual([{ feature, index: null, reading: 'too_few', sessions: 150 }]);
    expect(await metrics()).not.toContain(`version="${first}"`);

    await count(1, 150);
    expect((await page()).drift.features).toMatchObject([{ reading: 'little', sessions: 300 }]);

    await count(0, 900);
    expect((await page()).drift).toMatchObject({ days: 7, features: [{ reading: 'much', sessions: 1_200 }] });
    expect(await metrics()).toMatch(new RegExp(`model_drift_psi\\{[^}]*version="${first}"[^}]*\\} 0\\.[3-9]`));
  });

  test('refuses a time that is not kept, by its name', async () => {
    const answer = await get(`/${name}?days=31`);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.[0]?.path).toBe('days');
  });

  test('is there without Redis, with no word on drift', async () => {
    const without = await startTestApi({ changes: { REDIS_URL: 'redis://127.0.0.1:1' } });
    try {
      const answer = await without.call('GET', `/v1/models/${name}`, { token: user.token });
      expect(answer.body.data).toMatchObject({ active: { version: active }, drift: null });
      expect((await without.call('GET', '/v1/models', { token: user.token })).status).toBe(200);
    } finally {
      await without.close();
    }
  });

  const metrics = async () => (await fetch(`${api.url}/metrics`)).text();
});

describe('a session that names its version', () => {
  const asking = (version: unknown) => ({ metadata: { model_version: version } });
  const create = (version: unknown) => {
    const body = { sessionType: 'dowsing', cue: 'Is it here?', ...asking(version) };
    return api.call('POST', '/v1/sessions', { token: user.token, body });
  };

  test('is created and changed when the version is registered, and refused by its field otherwise (M1)', async () => {
    const created = await create(first);
    expect(created.status).toBe(201);
    const path = `/v1/sessions/${(created.body.data as { id: string }).id}`;
    const change = (version: string) => api.call('PATCH', path, { token: user.token, body: asking(version) });
    expect((await change(second)).status).toBe(200);
    expect((await change('9.9.9')).body.error?.details).toEqual([
      { path: 'metadata.model_version', message: 'is not a registered version of dowsing' },
    ]);
    for (const version of ['9.9.9', '', 7, [], ['1.0.0', '9.9.9'], randomUUID()]) {
      const { status, body } = await create(version);
      expect(status).toBe(400);
      expect(body.error?.details?.[0]?.path).toMatch(/^metadata\.model_version/);
    }
  });
});
