import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { z } from 'zod';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import { sessionTypes } from '../domain/session.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { sessionWorkflowId } from '../workflows/session.ts';
import { exampleOf } from './examples.ts';
import { ownNamespace } from './namespace.ts';
import { startProcess, type AppProcess } from './processes.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { until } from './until.ts';
import { untilAccepted } from './untilAccepted.ts';

const patienceMs = 150_000;
const scripts = ['workers/cpu.ts', 'workers/gpu.ts'] as const;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.();
});

/*
 * A deploy: of each pool a new worker comes up and the old one is told to stop, by SIGTERM, while sessions keep coming.
 * What the old one had begun it must end; what it had not, another must do. A task that was on its way to a poll that
 * the old one took back in that moment was begun by nobody, and is given again once its time is up: servers before 1.31
 * cannot tell (docs/operations.md).
 */
test(
  'a rolling restart of all workers under load loses no attempt that was begun (T1, T2)',
  async () => {
    const { TEMPORAL_NAMESPACE } = await ownNamespace();
    const stripe = await listenAsStripe(willing);
    ends.push(stripe.close);
    const start = async (script: Parameters<typeof startProcess>[0]): Promise<AppProcess> => {
      const started = await startProcess(script, {
        TEMPORAL_NAMESPACE,
        STRIPE_API_BASE: stripe.url,
        LOG_LEVEL: 'debug',
      });
      ends.push(() => started.stop());
      return started;
    };
    const [api, ...old] = await Promise.all([start('api/main.ts'), ...scripts.map(start)]);
    const client = createApiClient(api.url);
    const username = `p-${randomUUID()}`;
    const { accessToken } = await client.register({
      email: `${username}@example.com`,
      username,
      password: randomUUID(),
    });

    const contents = await Promise.all(sessionTypes.map(exampleOf));
    const ids: string[] = [];
    let rolled = false;
    const keepCreating = async (content: unknown): Promise<void> => {
      while (!rolled) {
        const key = randomUUID();
        // On a small machine that starts processes beside it, one may be told to ask again.
        ids.push(await untilAccepted(() => client.createSession(accessToken, content, key), patienceMs));
      }
    };
    const load = Promise.all(contents.map(keepCreating));
    for (const [i, script] of scripts.entries()) {
      await start(script);
      await until(() => attemptsBegun(old[i]?.log() ?? '').length > contents.length);
      await old[i]?.stop();
    }
    await until(() => ids.length > contents.length);
    rolled = true;
    await load;

    for (const id of ids) {
      const updates = await client.follow(accessToken, id, patienceMs);
      expect(updates.at(-1)?.data.status).toBe('completed');
    }
    const begun = new Set(old.flatMap((worker) => attemptsBegun(worker.log())));
    const repeated = await repeatedAttempts(TEMPORAL_NAMESPACE, ids);
    expect(repeated.filter((attempt) => begun.has(attempt))).toEqual([]);
  },
  4 * patienceMs,
);

/** An attempt as both a worker's log and a history name it. */
function nameOf(sessionId: string, step: string, attempt: number): string {
  return `${sessionId} ${step} ${attempt}`;
}

const begunSchema = z.object({
  message: z.literal('step begun'),
  session_id: z.string(),
  metadata: z.object({ step: z.string(), attempt: z.number() }),
});

function attemptsBegun(log: string): string[] {
  const whole = log.slice(0, log.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => {
    if (!line.includes('step begun')) return [];
    const { data } = begunSchema.safeParse(JSON.parse(line));
    return data ? [nameOf(data.session_id, data.metadata.step, data.metadata.attempt)] : [];
  });
}

/** Every attempt after which the step was tried once more, as the histories have it. */
async function repeatedAttempts(namespace: string, ids: readonly string[]): Promise<string[]> {
  const connection = await connectTemporal(readConfig());
  const { workflow } = new Client({ connection, namespace });
  const repeated: string[] = [];
  for (const id of ids) {
    const { events = [] } = await workflow.getHandle(sessionWorkflowId(id)).fetchHistory();
    for (const { activityTaskStartedEventAttributes: started } of events ?? []) {
      if (!started) continue;
      const scheduled = events?.find(({ eventId }) => String(eventId) === String(started.scheduledEventId));
      const step = scheduled?.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
      for (let attempt = 1; attempt < (started.attempt ?? 1); attempt++) repeated.push(nameOf(id, step, attempt));
    }
  }
  await connection.close();
  return repeated;
}
