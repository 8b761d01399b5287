import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { replayHistories, type ReplayOutcome } from '../temporal/replay.ts';
import { bundleForReplay } from '../workers/workflowBundle.ts';
import * as workflows from '../workflows/index.ts';
import { asText } from './histories.ts';
import { readHistories, type NamedHistory } from './histories/files.ts';

/*
 * What the workflows did once, they do again: otherwise a worker with this code could not take on what runs. When a
 * workflow is changed on purpose, `npm run histories` makes the histories anew; first see docs/operations.md.
 */

const patienceMs = 120_000;
let histories: NamedHistory[];
beforeAll(async () => {
  // What the SDK logs of a divergence is what is tested here.
  const logger = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  histories = await readHistories();
});

async function replay(workflowBundle: { code: string }, among: readonly NamedHistory[]): Promise<ReplayOutcome[]> {
  const outcomes: ReplayOutcome[] = [];
  const named = among.map(({ name, history }) => ({ workflowId: name, history }));
  for await (const outcome of replayHistories({ workflowBundle }, named)) outcomes.push(outcome);
  return outcomes;
}

const typeOf = ({ history }: NamedHistory) =>
  history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name;

describe('the workflows as they are', () => {
  test(
    'do again what they did in every history that is committed (T4, T5)',
    async () => {
      const outcomes = await replay(await bundleForReplay(), histories);
      expect(outcomes.filter(({ kind }) => kind !== 'same')).toEqual([]);
      expect(outcomes).toHaveLength(histories.length);
    },
    patienceMs,
  );

  test('each have a history (T5)', () => {
    expect(new Set(histories.map(typeOf))).toEqual(new Set(Object.keys(workflows)));
  });

  test('have nothing of what a person recorded in their histories (I5)', () => {
    const texts = asText(histories.map(({ history }) => history));
    expect(texts).toContain('sessionId');
    expect(texts).not.toMatch(/nothing recorded|Cold water|@example\.com/);
  });
});

describe('a change that a history does not stand is found at the event where they part (T5)', () => {
  let outcomeOf: (name: string) => ReplayOutcome | undefined;
  beforeAll(async () => {
    const workflowsPath = fileURLToPath(new URL('histories/changedWorkflows.ts', import.meta.url));
    const changed = await bundleForReplay((options) => ({ ...options, workflowsPath }));
    const outcomes = await replay(changed, histories);
    outcomeOf = (name) => outcomes.find(({ workflowId }) => workflowId === name);
  }, patienceMs);

  test('a timer beside the first step', () => {
    expect(outcomeOf('session.completed')).toMatchObject({
      kind: 'diverged',
      workflowType: 'sessionWorkflow',
      divergence: { found: 'ActivityTaskScheduled (analyze)', expected: 'a timer is started' },
    });
  });

  test('a step of another name', () => {
    expect(outcomeOf('account-mail.sent')).toMatchObject({
      kind: 'diverged',
      divergence: {
        found: 'ActivityTaskScheduled (sendAccountMail)',
        expected: 'the activity sendTheMail is scheduled',
      },
    });
  });

  test('only the second attempt of another name', () => {
    const name = 'webhook.delivered-later';
    const { events = [] } = histories.find((history) => history.name === name)?.history ?? {};
    const attempts = (events ?? []).filter(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled);
    expect(attempts).toHaveLength(2);
    expect(outcomeOf(name)).toMatchObject({
      kind: 'diverged',
      divergence: {
        eventId: Number(attempts[1]?.eventId),
        found: 'ActivityTaskScheduled (deliverWebhook)',
        expected: 'the activity deliverWebhookAgain is scheduled',
      },
    });
  });

  test('nothing any more', () => {
    expect(outcomeOf('erase.of-ended-session')).toMatchObject({ kind: 'diverged', divergence: { eventId: 5 } });
  });

  test('code that throws', () => {
    expect(outcomeOf('attachment.erased')).toMatchObject({ kind: 'broken', reason: 'nothing works here' });
  });

  test('and what was left alone is replayed as it happened', () => {
    expect(outcomeOf('training.completed')).toMatchObject({ kind: 'same' });
    expect(outcomeOf('webhook.delivered')).toMatchObject({ kind: 'same' });
  });
});
