import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { promote } from '../db/models.ts';
import { type SessionContent, sessionContentSchema } from '../domain/content.ts';
import { Random } from '../ml/random.ts';
import { recipes } from '../ml/training/recipes.ts';
import { startTestApi, type TestApi } from './api.ts';
import { exampleOf } from './examples.ts';
import { testVersions, type TestVersions } from './modelVersions.ts';
import { startPlatform, type Platform } from './platform.ts';
import { until } from './until.ts';

const name = 'precognition';
/** Of each kind: enough that chance alone seldom looks like drift. */
const sessions = 250;
const atOnce = 25;

let platform: Platform;
let api: TestApi;
let versions: TestVersions;
let version: string;

beforeAll(async () => {
  [platform, api] = [await startPlatform(), await startTestApi()];
});
afterAll(async () => {
  await api.close();
  await platform.close();
});
beforeEach(async () => {
  versions = await testVersions(platform.resources, name);
  // A version of its own, so that no other test's sessions are counted for it.
  version = await versions.publish();
  await promote(platform.resources.database.asService(), { name, version });
  await until(() => platform.models.modelFor(name).active.version === version);
});
afterEach(() => versions.restore());

async function analyze(contents: readonly SessionContent[]): Promise<void> {
  for (let i = 0; i < contents.length; i += atOnce) {
    const started = await Promise.all(contents.slice(i, i + atOnce).map((content) => platform.startSession(content)));
    await Promise.all(started.map(({ sessionId }) => platform.untilEvent(sessionId, 'analysis_completed')));
  }
}

interface Feature {
  feature: string;
  index: number;
  reading: string;
  sessions: number;
}

/** What the model's page says, once so many sessions are counted. */
async function driftOnPage(counted: number): Promise<Feature[]> {
  await until(async () => {
    const features = Object.values((await api.deps.driftCounts.read({ name, version }, 2)) ?? {});
    return features.length > 0 && features.every((bins) => bins.reduce((sum, count) => sum + count, 0) === counted);
  });
  const { token } = await api.newUser();
  const { body } = await api.call('GET', `/v1/models/${name}`, { token });
  return (body.data as { drift: { features: Feature[] } }).drift.features;
}

async function driftInMetrics(): Promise<Record<string, number>> {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('model_drift_psi{') && line.includes(version));
  const featureOf = (line: string) => /feature="([^"]*)"/.exec(line)?.[1] ?? '';
  return Object.fromEntries(lines.map((line) => [featureOf(line), Number(line.split(' ').at(-1))]));
}

const indexOf = (features: readonly Feature[]) => Object.fromEntries(features.map((one) => [one.feature, one.index]));

test('sessions like those of the training drift little; when everybody records the same, much (M2)', async () => {
  const random = new Random(90_125);
  const likeTraining = Array.from({ length: sessions }, () =>
    sessionContentSchema.parse({ sessionType: name, cue: 'NNNN-1234', ...recipes[name].session(random) }),
  );
  await analyze(likeTraining);
  const before = await driftOnPage(sessions);
  expect(before.map(({ feature }) => feature).toSorted()).toEqual([
    'confidence',
    'error',
    'horizon',
    'length',
    'period',
    'series',
  ]);
  expect(before.filter(({ reading }) => reading !== 'little')).toEqual([]);
  expect(await driftInMetrics()).toEqual(indexOf(before));

  const example = await exampleOf(name);
  await analyze(Array.from({ length: sessions }, () => example));
  const after = await driftOnPage(2 * sessions);
  expect(after.filter(({ reading }) => reading !== 'much')).toEqual([]);
  expect(await driftInMetrics()).toEqual(indexOf(after));
}, 600_000);
