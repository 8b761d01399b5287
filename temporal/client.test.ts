import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Connection } from '@temporalio/client';
import { readConfig } from '../config.ts';
import { createWorkflowClient, WorkflowEndedError, WorkflowUnavailableError, type WorkflowClient } from './client.ts';
import { connectTemporal } from './connection.ts';

/*
 * No worker runs here, so what waits for one runs out of time, and what only tells the server something does not.
 */

/** A server that is held up for a while has heard of it by then. */
const waitMs = 4_000;

let connection: Connection;
let workflows: WorkflowClient;
beforeAll(async () => {
  const config = readConfig();
  connection = await connectTemporal(config);
  workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE, waitMs });
});
afterAll(() => connection.close());

const newSession = () => ({
  sessionId: randomUUID(),
  userId: randomUUID(),
  sessionType: 'dowsing' as const,
  tier: 'basic' as const,
  fingerprint: 'a'.repeat(64),
  contentKey: 'k',
  hasImpressions: false,
  analyzeAtOnce: false,
});

test('a session that no worker takes up is unavailable, not lost: it can still be cancelled (T3)', async () => {
  const session = newSession();
  await expect(workflows.createSession(session)).rejects.toBeInstanceOf(WorkflowUnavailableError);
  await workflows.startAnalysis(session.sessionId);
  await workflows.retrySession(session.sessionId);
  await workflows.cancelSession(session.sessionId);
});

test('a session that was never started can be neither signalled nor cancelled (T3)', async () => {
  const { sessionId } = newSession();
  await expect(workflows.startAnalysis(sessionId)).rejects.toBeInstanceOf(WorkflowEndedError);
  await expect(workflows.retrySession(sessionId)).rejects.toBeInstanceOf(WorkflowEndedError);
  await expect(workflows.cancelSession(sessionId)).rejects.toBeInstanceOf(WorkflowEndedError);
});

test('an erasure that no worker takes up is pending, and asking again asks for the same one (A1)', async () => {
  const { sessionId } = newSession();
  expect(await workflows.eraseSession(sessionId)).toBe('pending');
  expect(await workflows.eraseSession(sessionId)).toBe('pending');
});

test('a server that cannot be reached is told as unavailable (G3)', async () => {
  const config = readConfig();
  const lost = await connectTemporal(config);
  const client = createWorkflowClient({ connection: lost, namespace: config.TEMPORAL_NAMESPACE, waitMs: 0 });
  await expect(client.check()).rejects.toBeInstanceOf(WorkflowUnavailableError);
  await lost.close();
});
