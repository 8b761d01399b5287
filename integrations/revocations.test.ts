import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { createLogger } from '../observability/logger.ts';
import { createLine, type Line } from '../tests/line.ts';
import { createRedis } from './redis.ts';
import { createRevocations, type LoginName, type LoginRecords, type Revocations } from './revocations.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

/** What PostgreSQL would know, and how often it was asked. */
function createRecords() {
  const ended = new Set<string>();
  const asked = { ended: 0, recent: 0 };
  const records: LoginRecords = {
    isEnded: ({ loginId }) => {
      asked.ended += 1;
      return Promise.resolve(ended.has(loginId));
    },
    endedAfter: () => {
      asked.recent += 1;
      return Promise.resolve([...ended]);
    },
  };
  return { ended, asked, records };
}

const newLogin = (): LoginName => ({ userId: randomUUID(), loginId: randomUUID() });

let line: Line;
let port: number;
let redis: Redis;
let kept: ReturnType<typeof createRecords>;
let revocations: Revocations;

beforeEach(async () => {
  line = createLine(process.env.REDIS_URL ?? '');
  const mended = await line.mend();
  port = mended.port;
  redis = createRedis(mended.url, 'revocations-test', logger);
  await redis.ping();
  kept = createRecords();
  revocations = createRevocations(redis, kept.records, logger);
});
afterEach(async () => {
  revocations.close();
  redis.disconnect();
  await line.cut();
});

/** Until Redis alone answers: the first questions still go to PostgreSQL. */
async function untilRedisAnswers(): Promise<void> {
  for (;;) {
    const before = kept.asked.ended;
    await setImmediate();
    await revocations.isRevoked(newLogin());
    if (kept.asked.ended === before) return;
  }
}

async function lose(): Promise<void> {
  const lost = once(redis, 'close');
  await line.cut();
  await lost;
}

async function regain(): Promise<void> {
  const back = once(redis, 'ready');
  await line.mend(port);
  await back;
}

describe('a log-in that ended (G5)', () => {
  test('is known at once, by Redis alone, for as long as one of its access tokens could be good', async () => {
    const login = newLogin();
    await untilRedisAnswers();
    expect(await revocations.isRevoked(login)).toBe(false);
    await revocations.revoke([login.loginId]);
    const asked = kept.asked.ended;
    expect(await revocations.isRevoked(login)).toBe(true);
    expect(kept.asked.ended).toBe(asked);
    expect(await redis.pttl(`revoked:login:${login.loginId}`)).toBeGreaterThan(15 * 60_000);
  });

  test('before this process began is known from the first question on', async () => {
    const login = newLogin();
    kept.ended.add(login.loginId);
    expect(await revocations.isRevoked(login)).toBe(true);
    await untilRedisAnswers();
    expect(await revocations.isRevoked(login)).toBe(true);
  });

  test('while Redis is gone is known from PostgreSQL, and to Redis once it is back', async () => {
    await untilRedisAnswers();
    await lose();
    const login = newLogin();
    kept.ended.add(login.loginId);
    await revocations.revoke([login.loginId]);
    expect(await revocations.isRevoked(login)).toBe(true);
    expect(await revocations.isRevoked(newLogin())).toBe(false);
    await regain();
    expect(await revocations.isRevoked(login)).toBe(true);
    await untilRedisAnswers();
    expect(await redis.exists(`revoked:login:${login.loginId}`)).toBe(1);
    expect(await revocations.isRevoked(login)).toBe(true);
  });

  test('is known to every process that watches, also once Redis let go of it to make room', async () => {
    const other = createRevocations(redis, kept.records, logger);
    const told = Promise.withResolvers<string>();
    const listening = Promise.withResolvers<undefined>();
    const [begun, login] = [newLogin(), newLogin()];
    kept.ended.add(begun.loginId);
    revocations.watch((loginId) => {
      if (loginId === begun.loginId) listening.resolve(undefined);
      else told.resolve(loginId);
    });
    await listening.promise;
    await untilRedisAnswers();
    await other.revoke([login.loginId]);
    expect(await told.promise).toBe(login.loginId);
    await redis.unlink(`revoked:login:${login.loginId}`);
    expect(await revocations.isRevoked(login)).toBe(true);
  });

  test('is told to whoever watches, on this process and others, after an outage too', async () => {
    const told: string[] = [];
    const other = createRevocations(redis, kept.records, logger);
    let wake = (): void => undefined;
    const until = async (loginId: string) => {
      while (!told.includes(loginId)) await new Promise<void>((resolve) => (wake = resolve));
    };
    const begun = newLogin().loginId;
    kept.ended.add(begun);
    revocations.watch((loginId) => {
      told.push(loginId);
      wake();
    });
    await until(begun);
    const { loginId } = newLogin();
    await other.revoke([loginId]);
    await until(loginId);
    const keyId = randomUUID();
    await other.announce([keyId]);
    await until(keyId);
    expect(await redis.exists(`revoked:login:${keyId}`)).toBe(0);
    await lose();
    const meanwhile = newLogin().loginId;
    kept.ended.add(meanwhile);
    await other.revoke([meanwhile]);
    await regain();
    await until(meanwhile);
  });
});
