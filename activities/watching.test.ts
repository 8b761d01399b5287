import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import type { SessionContent } from '../domain/content.ts';
import { openResources } from '../resources.ts';
import { until } from '../tests/until.ts';
import type { ServedModel } from './routing.ts';
import { createModelWatch } from './watching.ts';

const resources = openResources({ ...readConfig(), LOG_LEVEL: 'silent' }, 'watching-test');
afterAll(() => resources.close());

const content: SessionContent = { sessionType: 'dowsing', cue: 'Is it here?' };
const profile = { yes: { edges: [0.25, 0.75], shares: [0.25, 0.5, 0.25] }, length: { edges: [], shares: [1] } };

/** An engine that never answers a shadow run until it is told to. */
function engineOf(analyze: () => Promise<never>) {
  return { analyze };
}
const outcomes = async () => resources.metrics.registry.getSingleMetricAsString('model_shadow_runs_total');

describe('behind a session that has its results (M2)', () => {
  const watch = createModelWatch({ ...resources, engine: engineOf(() => Promise.reject(new Error('no shadow'))) });
  const analyzed = (model: ServedModel, version: string, yes: number, metadata?: SessionContent['metadata']) => {
    const analysis = { results: [], observed: { yes, unprofiled: 1 } };
    watch.analyzed({ content: { ...content, metadata }, model, version, analysis });
  };

  test('what the active version and the canary observed is counted in bins, unless a session named them', async () => {
    const [active, canary] = [randomUUID(), randomUUID()];
    const model = {
      active: { version: active, profile },
      canary: { version: canary, profile, share: 0.5 },
      shadow: null,
    };
    for (const yes of [0.1, 0.5, 0.6, 0.9]) analyzed(model, active, yes);
    analyzed(model, canary, 0.9);
    analyzed(model, active, 0.1, { model_version: active });
    const read = (version: string) => resources.driftCounts.read({ name: 'dowsing', version }, 2);
    await until(async () => (await read(canary))?.yes);
    expect(await read(active)).toEqual({ yes: [1, 2, 1] });
    expect(await read(canary)).toEqual({ yes: [0, 0, 1] });
  });

  test('a shadow that fails is counted and harms nobody; the same version is not its own shadow', async () => {
    const shadow = { version: 'shadow', profile: null };
    const model = { active: { version: 'active', profile: null }, canary: null, shadow };
    analyzed(model, 'active', 0.5);
    analyzed(model, 'shadow', 0.5);
    while (!(await outcomes()).includes('failed')) await new Promise((resolve) => setImmediate(resolve));
    expect(await outcomes()).toMatch(/model="dowsing",outcome="failed".* 1$/m);
  });

  test('no more than a few shadow runs wait at once; the others are left out and counted', async () => {
    let asked = 0;
    const slow = createModelWatch({
      ...resources,
      engine: engineOf(() => {
        asked += 1;
        return new Promise(() => undefined);
      }),
    });
    const shadow = { version: 'shadow', profile: null };
    const model = { active: { version: 'active', profile: null }, canary: null, shadow };
    for (let i = 0; i < 10; i++) {
      slow.analyzed({ content, model, version: 'active', analysis: { results: [], observed: {} } });
    }
    expect(asked).toBe(4);
    expect(await outcomes()).toMatch(/outcome="left_out".* 6$/m);
  });
});
