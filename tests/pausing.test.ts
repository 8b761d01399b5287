import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventsAfter } from '../db/sessions.ts';
import type { SessionEventType } from '../domain/events.ts';
import { taskQueues, type QueueName } from '../domain/taskQueues.ts';
import { pauseQueue, resumeQueue, switchModel } from '../operations/queues.ts';
import { exampleOf } from './examples.ts';
import { ownNamespace } from './namespace.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, willing } from './stripeListener.ts';
import { until } from './until.ts';

/*
 * The maintenance switches, on both pools and the real server: what is paused waits, nothing fails, and what was
 * waiting comes to its end once it is resumed.
 */

const whole: SessionEventType[] = ['created', 'analysis_started', 'analysis_completed', 'notified', 'completed'];
const by = { command: 'a test' };
let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;

beforeAll(async () => {
  stripe = await listenAsStripe(willing);
  platform = await startPlatform({ STRIPE_API_BASE: stripe.url, ...(await ownNamespace()) });
});
afterEach(async () => {
  for (const queue of [taskQueues.gpu, taskQueues.cpu]) await resume(queue);
  await until(() => !platform.pausing.isPaused());
});
afterAll(async () => {
  await platform.close();
  await stripe.close();
});

const deps = () => ({ ...platform.resources, workflows: platform.workflows });
const pause = (queue: QueueName) => pauseQueue(deps(), queue, { by, reason: 'a test' });
const resume = (queue: QueueName) => resumeQueue(deps(), queue, { by, reason: 'a test' });

async function eventsOf(sessionId: string): Promise<SessionEventType[]> {
  return (await eventsAfter(platform.resources.database.asService(), sessionId, 0)).map(({ type }) => type);
}

async function attempts(step: string, outcome: string): Promise<number> {
  const { values } = await platform.resources.metrics.sessionStepAttemptsTotal.get();
  return values.find(({ labels }) => labels.step === step && labels.outcome === outcome)?.value ?? 0;
}

describe('a queue that is paused (T5)', () => {
  test('holds back analyses; the session goes on when it is resumed, with no attempt lost', async () => {
    await pause(taskQueues.gpu);
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'));
    await until(async () => (await platform.workflows.queues.state(taskQueues.gpu)).backlog > 0);
    expect(await eventsOf(sessionId)).toEqual(['created']);
    await resume(taskQueues.gpu);
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(whole);
    expect(await attempts('analyze', 'failed')).toBe(0);
  });

  test('holds back the steps that a worker is given around the queue, too', async () => {
    const { sessionId } = await platform.startSession(await exampleOf('dowsing'), { analyzeAtOnce: false });
    await pause(taskQueues.cpu);
    await until(() => platform.pausing.isPaused());
    const before = await attempts('notify', 'postponed');
    await platform.workflows.startAnalysis(sessionId);
    await until(async () => (await attempts('notify', 'postponed')) > before);
    expect(await eventsOf(sessionId)).toEqual(whole.slice(0, 3));
    await resume(taskQueues.cpu);
    expect(await platform.untilEvent(sessionId, 'completed')).toEqual(whole);
    expect(await attempts('notify', 'failed')).toBe(0);
  });
});

describe('a model that is paused (T5)', () => {
  const model = 'precognition';

  test('has its sessions wait, unbegun and not stuck, while those of other models go on', async () => {
    const turn = (paused: boolean) => switchModel(platform.resources, model, { by, reason: 'a test', paused });
    await turn(true);
    try {
      await until(() => platform.models.isPaused(model));
      const before = await attempts('analyze', 'postponed');
      const { sessionId } = await platform.startSession(await exampleOf(model));
      await until(async () => (await attempts('analyze', 'postponed')) > before);
      const other = await platform.startSession(await exampleOf('dowsing'));
      expect(await platform.untilEvent(other.sessionId, 'completed')).toEqual(whole);
      expect(await eventsOf(sessionId)).toEqual(['created']);
      await turn(false);
      await until(() => !platform.models.isPaused(model));
      // It looks again by itself, and sooner when it is asked to.
      await platform.workflows.retrySession(sessionId);
      expect(await platform.untilEvent(sessionId, 'completed')).toEqual(whole);
      expect(await attempts('analyze', 'failed')).toBe(0);
    } finally {
      await turn(false);
    }
  });
});
