import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import { readBillState } from '../db/bills.ts';
import { openDatabase } from '../db/database.ts';
import { eventsAfter } from '../db/sessions.ts';
import { sessionTypes } from '../domain/session.ts';
import { exampleOf } from './examples.ts';
import { expectNoGap } from './numbering.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { untilAccepted } from './untilAccepted.ts';

const scripts = ['api/main.ts', 'workers/cpu.ts', 'workers/gpu.ts'] as const;
const turns = 9;
const patienceMs = 150_000;

/*
 * The checkable record: whatever was killed, every accepted session comes to its end, is billed once, and its events
 * have no gap. The gateway and the workers die in turn, by SIGKILL, each three times, while sessions are accepted.
 */
test(
  'processes that are killed in turn lose no session, bill none twice and leave no gap (T1, T2, A4)',
  async () => {
    const stripe = await listenAsStripe(willing);
    const start = (script: (typeof scripts)[number]) => startProcess(script, { STRIPE_API_BASE: stripe.url });
    const running: Record<(typeof scripts)[number], AppProcess> = {
      'api/main.ts': await start('api/main.ts'),
      'workers/cpu.ts': await start('workers/cpu.ts'),
      'workers/gpu.ts': await start('workers/gpu.ts'),
    };
    const database = openDatabase({ url: readConfig().DATABASE_URL, poolMax: 2 });
    try {
      const client = () => createApiClient(running['api/main.ts'].url);
      const username = `p-${randomUUID()}`;
      const { accessToken } = await client().register({
        email: `${username}@example.com`,
        username,
        password: randomUUID(),
      });

      const contents = await Promise.all(sessionTypes.map(exampleOf));
      const create = (key: number) =>
        untilAccepted(
          () => client().createSession(accessToken, contents[key % contents.length], `churn-${key}`),
          patienceMs,
        );
      const ids: string[] = [];
      for (let turn = 0; turn < turns; turn++) {
        // The sessions of the turn before are under way when the next process dies.
        const victim = scripts[turn % scripts.length] ?? 'api/main.ts';
        await running[victim].kill();
        const accepted = Promise.all([create(2 * turn), create(2 * turn + 1)]);
        running[victim] = await start(victim);
        ids.push(...(await accepted));
      }

      expect(new Set(ids).size).toBe(2 * turns);
      for (const id of ids) {
        const updates = await client().follow(accessToken, id, patienceMs);
        expect(updates.at(-1)?.data.status).toBe('completed');
        const events = await eventsAfter(database.asService(), id, 0);
        expectNoGap(events);
        expect(updates.map(({ data }) => data.seq)).toEqual(events.map(({ seq }) => seq));
        expect(await readBillState(database.asService(), id)).toBe('sent');
        const usage = stripe.usageOf(id);
        expect(new Set(usage.map(({ body }) => body.get('identifier')))).toEqual(new Set([`session-${id}`]));
        expect(new Set(usage.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
      }
    } finally {
      await Promise.all(Object.values(running).map((app) => app.stop()));
      await database.close();
      await stripe.close();
    }
  },
  4 * patienceMs,
);
