import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { versionsFor, type ServedModel } from './routing.ts';

const ready = (version: string) => ({ version, profile: null });
const withCanary = (share: number): ServedModel => ({
  active: ready('1.0.0'),
  canary: { ...ready('1.1.0'), share },
  shadow: ready('2.0.0'),
});
const route = (model: ServedModel, sessionId: string, pinned?: string | string[]) =>
  versionsFor(model, { sessionId, metadata: pinned === undefined ? undefined : { model_version: pinned } }).join();

const ids = Array.from({ length: 10_000 }, () => randomUUID());

describe('routing a session to a version (M2)', () => {
  test.each([0.05, 0.3, 0.5])('gives the canary a share of %d of ten thousand sessions', (share) => {
    const taken = ids.filter((id) => route(withCanary(share), id) === '1.1.0').length / ids.length;
    // Five standard errors: a right implementation fails once in two million runs.
    expect(Math.abs(taken - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / ids.length));
  });

  test('gives a retry the version that the first attempt had', () => {
    const model = withCanary(0.5);
    expect(ids.map((id) => route(model, id))).toEqual(ids.map((id) => route(model, id)));
  });

  test('keeps who has the canary when its share grows', () => {
    const early = ids.filter((id) => route(withCanary(0.1), id) === '1.1.0');
    expect(early.every((id) => route(withCanary(0.2), id) === '1.1.0')).toBe(true);
  });

  test('gives the canary all or nothing at the ends, and the active version where there is none', () => {
    expect(new Set(ids.map((id) => route(withCanary(1), id)))).toEqual(new Set(['1.1.0']));
    expect(new Set(ids.map((id) => route(withCanary(0), id)))).toEqual(new Set(['1.0.0']));
    expect(route({ ...withCanary(1), canary: null }, randomUUID())).toBe('1.0.0');
  });

  test('takes the versions that the session names, each once, whatever the canary', () => {
    expect(route(withCanary(1), randomUUID(), '0.9.0')).toBe('0.9.0');
    expect(route(withCanary(1), randomUUID(), ['0.9.0', '1.0.0', '0.9.0'])).toBe('0.9.0,1.0.0');
  });
});
