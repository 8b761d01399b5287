import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { promote, setCanary, setShadow } from '../db/models.ts';
import { createEngine, type Engine } from '../ml/engine.ts';
import { createLogger } from '../observability/logger.ts';
import { openResources, type Resources } from '../resources.ts';
import { testVersions, type TestVersions } from '../tests/modelVersions.ts';
import { startServing, type Serving } from './serving.ts';
import { until } from '../tests/until.ts';

const name = 'dowsing';
let resources: Resources;
let engine: Engine;
let serving: Serving;
let versions: TestVersions;
let lines: string[];

const em = () => resources.database.asService();
const metric = (named: string) => resources.metrics.registry.getSingleMetricAsString(named);
const refusals = (version: string) => lines.filter((line) => line.includes('is refused') && line.includes(version));

function start(): Promise<Serving> {
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  return startServing({ ...resources, engine, logger });
}

beforeAll(() => {
  resources = openResources({ ...readConfig(), LOG_LEVEL: 'silent' }, 'serving-test');
});
afterAll(() => resources.close());
beforeEach(async () => {
  lines = [];
  versions = await testVersions(resources, name);
  engine = await createEngine();
  serving = await start();
});
afterEach(async () => {
  await serving.close();
  await engine.close();
  await versions.restore();
});

describe('a worker (M2, M4)', () => {
  test('holds what the registry names, follows it, and lets go what it no longer names', async () => {
    expect(serving.modelFor(name)).toMatchObject({ active: { version: versions.active }, canary: null, shadow: null });
    const [next, canary, shadow] = [await versions.publish(), await versions.publish(), await versions.publish()];
    await promote(em(), { name, version: next });
    await setCanary(em(), { name, canary: { version: canary, share: 0.25 } });
    await setShadow(em(), { name, version: shadow });
    await until(() => serving.modelFor(name).shadow?.version === shadow);
    expect(serving.modelFor(name)).toMatchObject({
      active: { version: next },
      canary: { version: canary, share: 0.25 },
      shadow: { version: shadow },
    });
    const held = engine.models.filter((model) => model.name === name).map(({ version }) => version);
    expect(held.sort()).toEqual([next, canary, shadow].sort());
    expect(await metric('model_versions_loaded')).toContain(`model="${name}",version="${canary}"`);

    await setCanary(em(), { name, canary: null });
    await until(() => !engine.models.some(({ version }) => version === canary));
    await until(async () => !(await metric('model_versions_loaded')).includes(canary));
  });

  test('refuses an artefact whose checksum is wrong, keeps the old one, and says so in metrics and log', async () => {
    const corrupt = await versions.publish({ corrupt: true });
    await promote(em(), { name, version: corrupt });
    await until(() => refusals(corrupt).length > 0);
    expect(serving.modelFor(name).active.version).toBe(versions.active);
    expect(await metric('model_load_failures_total')).toMatch(new RegExp(`version="${corrupt}".* 1$`, 'm'));
    expect(await metric('model_versions_loaded')).toContain(`version="${versions.active}"`);
    expect(refusals(corrupt)[0]).toContain('not the one that its checksum names');
  });

  test('goes on without a canary or shadow that is refused', async () => {
    const corrupt = await versions.publish({ corrupt: true });
    await setCanary(em(), { name, canary: { version: corrupt, share: 1 } });
    await setShadow(em(), { name, version: corrupt });
    await until(() => refusals(corrupt).length > 0);
    expect(serving.modelFor(name)).toMatchObject({ active: { version: versions.active }, canary: null, shadow: null });
  });

  test('that starts while the active version is corrupt takes the one before, and the active one once it is mended', async () => {
    const corrupt = await versions.publish({ corrupt: true });
    await promote(em(), { name, version: corrupt });
    await serving.close();
    await engine.close();
    engine = await createEngine();
    serving = await start();
    expect(serving.modelFor(name).active.version).toBe(versions.active);

    await versions.mend(corrupt);
    // A change of anything is followed at once; otherwise a refused one is tried again each minute.
    await setShadow(em(), { name, version: await versions.publish() });
    await until(() => serving.modelFor(name).active.version === corrupt);
  });
});
