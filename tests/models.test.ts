import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { versionsFor } from '../activities/routing.ts';
import { listComparisons } from '../db/comparisons.ts';
import { promote, rollback, setCanary, setShadow } from '../db/models.ts';
import { findResults } from '../db/sessions.ts';
import type { SessionContent } from '../domain/content.ts';
import { exampleOf } from './examples.ts';
import { testVersions, type TestVersions } from './modelVersions.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { until } from './until.ts';

const name = 'dowsing';
let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let versions: TestVersions;
let content: SessionContent;

beforeAll(async () => {
  stripe = await listenAsStripe(willing);
  platform = await startPlatform({ STRIPE_API_BASE: stripe.url });
  content = await exampleOf(name);
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});
beforeEach(async () => {
  versions = await testVersions(platform.resources, name);
});
afterEach(async () => {
  await versions.restore();
  await until(() => platform.models.modelFor(name).active.version === versions.active);
});

const em = () => platform.resources.database.asService();

/** Runs a session to its end and says which version its results name. */
async function versionOf(metadata?: SessionContent['metadata'], sessionId = randomUUID()): Promise<string> {
  const given = await platform.startSession({ ...content, metadata }, { sessionId });
  await platform.untilEvent(given.sessionId, 'completed');
  const [result] = await findResults(em(), given.sessionId);
  return result?.data.model.version ?? 'none';
}

describe('sessions and the registry (M1, M2)', () => {
  test('a promotion is followed without losing a session, and so is going back', async () => {
    const next = await versions.publish();
    const seen = new Set<string>();
    const analyzeUntil = async (version: string) => {
      while (!seen.has(version)) {
        for (const used of await Promise.all(Array.from({ length: 5 }, () => versionOf()))) seen.add(used);
      }
    };
    await promote(em(), { name, version: next });
    await analyzeUntil(next);
    seen.clear();
    await rollback(em(), { name });
    await analyzeUntil(versions.active);
    expect([...seen].every((version) => [versions.active, next].includes(version))).toBe(true);
  });

  test('a canary analyzes the sessions whose ids are its share, and the active version the others', async () => {
    const canary = await versions.publish();
    await setCanary(em(), { name, canary: { version: canary, share: 0.5 } });
    await until(() => platform.models.modelFor(name).canary?.version === canary);
    const ids = Array.from({ length: 12 }, () => randomUUID());
    const model = platform.models.modelFor(name);
    const expected = ids.flatMap((sessionId) => versionsFor(model, { sessionId, metadata: undefined }));
    expect(await Promise.all(ids.map((id) => versionOf(undefined, id)))).toEqual(expected);
  });

  test('a session that names its version has it, served or not', async () => {
    const other = await versions.publish();
    expect(await versionOf({ model_version: other })).toBe(other);
    expect(await versionOf({ model_version: versions.active })).toBe(versions.active);
  });

  test('a session that names several has the answer of all of them together (M1)', async () => {
    const other = await versions.publish();
    expect(await versionOf({ model_version: [versions.active, other] })).toBe(`${versions.active} + ${other}`);
  });

  test('a shadow has no part in the results; how it compared is kept, with no session named', async () => {
    const shadow = await versions.publish();
    await setShadow(em(), { name, version: shadow });
    await until(() => platform.models.modelFor(name).shadow?.version === shadow);
    expect(await versionOf()).toBe(versions.active);
    expect(await versionOf()).toBe(versions.active);
    const compared = () => listComparisons(em(), name, shadow);
    await until(async () => (await compared())[0]?.sessions === 2);
    // Its weights are those of the active version, so it says the same.
    expect(await compared()).toMatchObject([{ version: versions.active, agreed: 2, confidenceDifference: 0 }]);
  });

  test('a promotion of a corrupt artefact leaves sessions with the version before', async () => {
    const corrupt = await versions.publish({ corrupt: true });
    await promote(em(), { name, version: corrupt });
    const failures = () => platform.resources.metrics.registry.getSingleMetricAsString('model_load_failures_total');
    await until(async () => (await failures()).includes(corrupt));
    expect(await versionOf()).toBe(versions.active);
  });
});
