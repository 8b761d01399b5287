import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createApiClient } from '../cli/apiClient.ts';
import { startProcess, type AppProcess } from './processes.ts';

/** A log line of the specification (I4). */
const lineSchema = z.strictObject({
  timestamp: z.iso.datetime(),
  level: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']),
  service: z.string(),
  trace_id: z.string().nullable(),
  span_id: z.string().nullable(),
  user_id: z.string().nullable(),
  session_id: z.string().nullable(),
  message: z.string(),
  metadata: z.looseObject({ step: z.string().optional(), method: z.string().optional(), route: z.string().optional() }),
});

const processes: AppProcess[] = [];
let lines: z.infer<typeof lineSchema>[];
let sessionId: string;

beforeAll(async () => {
  const loud = { LOG_LEVEL: 'debug' };
  for (const script of ['workers/cpu.ts', 'workers/gpu.ts', 'api/main.ts'] as const) {
    processes.push(await startProcess(script, loud));
  }
  const client = createApiClient(processes.at(-1)?.url ?? '');
  const username = `p-${randomUUID()}`;
  const { accessToken } = await client.register({ email: `${username}@example.com`, username, password: username });
  const { id } = await client.createSession(accessToken, {
    sessionType: 'remote_viewing',
    cue: 'NNNN-0001',
    impressions: { words: ['water'] },
  });
  await client.follow(accessToken, id, 120_000);
  sessionId = id;
  const elsewhere = new WebSocket(`${processes.at(-1)?.url ?? ''}/v1/ws`.replace('http', 'ws'), {
    origin: 'https://elsewhere.example',
  });
  await once(elsewhere, 'unexpected-response');
  for (const running of processes) await running.stop();
  lines = processes
    .flatMap((stopped) => stopped.log().split('\n'))
    .filter((line) => line !== '')
    .map((line) => lineSchema.parse(JSON.parse(line)));
}, 400_000);
afterAll(async () => {
  for (const running of processes) await running.stop();
});

test('every line of every process has the form of the specification (I4)', () => {
  expect(new Set(lines.map(({ service }) => service))).toEqual(new Set(['api', 'worker-cpu', 'worker-gpu']));
});

test('one trace runs from the request through the workflow into every step (I4)', () => {
  const request = lines.find(({ metadata }) => metadata.method === 'POST' && metadata.route === '/v1/sessions');
  const steps = lines.filter(({ session_id, message }) => session_id === sessionId && message === 'step done');
  expect(steps.map(({ metadata }) => metadata.step).sort()).toEqual(['analyze', 'bill', 'create', 'notify']);
  expect(request?.trace_id).toMatch(/^[0-9a-f]{32}$/);
  for (const step of steps) expect(step.trace_id).toBe(request?.trace_id);
  expect(new Set(steps.map(({ span_id }) => span_id)).size).toBe(steps.length);
});

test('a live connection that is refused leaves a line as every request does (I4)', () => {
  const refused = lines.filter(({ message }) => message === 'connection refused');
  expect(refused.map(({ metadata }) => metadata)).toMatchObject([{ route: '/v1/ws', status: 403, code: 'forbidden' }]);
  expect(refused[0]?.metadata.requestId).toMatch(/^req_[0-9a-f]{32}$/);
});
