import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiError } from '../domain/errors.ts';
import { startTestApi, type TestApi } from '../tests/api.ts';
import { newUser } from '../tests/database.ts';
import { createIdempotency, type Idempotency, type RepeatableRequest } from './idempotency.ts';
import type { RouteAnswer } from './route.ts';

let api: TestApi;
let idempotency: Idempotency;
beforeAll(async () => {
  api = await startTestApi();
  idempotency = createIdempotency(api.deps);
});
afterAll(() => api.close());

const requestOf = async (given: Partial<RepeatableRequest> = {}): Promise<RepeatableRequest> => ({
  userId: (await newUser(api.resources.database)).id,
  key: randomUUID(),
  method: 'POST',
  path: '/v1/things',
  body: { name: 'a thing' },
  ...given,
});
const thing = (): RouteAnswer => ({
  data: { id: randomUUID(), secret: 'MARKER' },
  headers: { Location: '/v1/things/1' },
});
const service = () => api.resources.database.asService();
const codeOf = (error: unknown) => (error instanceof ApiError ? error.code : error);

/** Makes the rows of a user look as old as one asks. */
const age = (userId: string, interval: string) =>
  service().execute(
    `update idempotency_keys
     set expires_at = expires_at - :interval::interval, claimed_until = claimed_until - :interval::interval
     where user_id = :userId`,
    { userId, interval },
  );

describe('a request with an Idempotency-Key', () => {
  test('is served once, and its repetition gets the same answer with the same headers, marked as replayed', async () => {
    const request = await requestOf();
    let served = 0;
    const serve = () => {
      served += 1;
      return Promise.resolve(thing());
    };
    const first = await idempotency.once(request, serve);
    const second = await idempotency.once(request, serve);
    expect(served).toBe(1);
    expect(second.data).toEqual(first.data);
    expect(first.headers).toEqual({ Location: '/v1/things/1' });
    expect(second.headers).toEqual({ Location: '/v1/things/1', 'Idempotency-Replayed': 'true' });
  });

  test('is served once when it is sent twenty times at once; who comes while it is served is told to wait', async () => {
    const request = await requestOf();
    const finish = Promise.withResolvers<undefined>();
    const othersRefused = Promise.withResolvers<undefined>();
    let [served, refused] = [0, 0];
    const serve = async () => {
      served += 1;
      await finish.promise;
      return thing();
    };
    const refuse = (error: unknown) => {
      refused += 1;
      if (refused === 19) othersRefused.resolve(undefined);
      return codeOf(error);
    };
    const answers = Array.from({ length: 20 }, () => idempotency.once(request, serve).catch(refuse));
    await othersRefused.promise;
    finish.resolve(undefined);
    const all = await Promise.all(answers);
    expect(served).toBe(1);
    expect(all.filter((answer) => answer === 'request_in_flight')).toHaveLength(19);
  });

  test.each([
    ['another body', { body: { name: 'another thing' } }],
    ['another address', { path: '/v1/others' }],
  ])('with %s under the same key is refused', async (_name, other) => {
    const request = await requestOf();
    await idempotency.once(request, () => Promise.resolve(thing()));
    const again = idempotency.once({ ...request, ...other }, () => Promise.resolve(thing()));
    await expect(again.catch(codeOf)).resolves.toBe('idempotency_key_reused');
  });

  test('is each user’s own', async () => {
    const request = await requestOf();
    const mine = await idempotency.once(request, () => Promise.resolve(thing()));
    const theirs = await idempotency.once({ ...request, userId: (await requestOf()).userId }, () =>
      Promise.resolve(thing()),
    );
    expect(theirs.data).not.toEqual(mine.data);
  });

  test('that came to nothing can be sent again', async () => {
    const request = await requestOf();
    const failed = idempotency.once(request, () => Promise.reject(new ApiError('not_found')));
    await expect(failed.catch(codeOf)).resolves.toBe('not_found');
    const { headers } = await idempotency.once(request, () => Promise.resolve(thing()));
    expect(headers).toEqual({ Location: '/v1/things/1' });
  });

  test('is served anew after a day, and its row is swept by those that follow', async () => {
    const request = await requestOf();
    const old = await idempotency.once(request, () => Promise.resolve(thing()));
    await age(request.userId, '24 hours');
    const fresh = await idempotency.once(request, () => Promise.resolve(thing()));
    expect(fresh.data).not.toEqual(old.data);
    await age(request.userId, '24 hours');
    await idempotency.once(await requestOf(), () => Promise.resolve(thing()));
    const rows = await service().execute(`select from idempotency_keys where user_id = :userId`, request);
    expect(rows).toEqual([]);
  });

  test('whose process died can be sent again, and the dead one cannot write over the new answer', async () => {
    const request = await requestOf();
    const begun = Promise.withResolvers<undefined>();
    const revived = Promise.withResolvers<RouteAnswer>();
    const dead = idempotency.once(request, () => {
      begun.resolve(undefined);
      return revived.promise;
    });
    await begun.promise;
    await age(request.userId, '5 minutes');
    const taken = await idempotency.once(request, () => Promise.resolve(thing()));
    revived.resolve(thing());
    await dead;
    const replayed = await idempotency.once(request, () => Promise.resolve(thing()));
    expect(replayed.data).toEqual(taken.data);
  });

  test('leaves its key and its answer in no form that can be read (I5)', async () => {
    const request = await requestOf({ key: 'MARKER-key' });
    await idempotency.once(request, () => Promise.resolve(thing()));
    const [row] = await service().execute<{ answer: Buffer }[]>(
      `select * from idempotency_keys where user_id = :userId`,
      request,
    );
    expect(row?.answer.includes('MARKER')).toBe(false);
    expect(JSON.stringify(row)).not.toContain('MARKER');
  });
});
