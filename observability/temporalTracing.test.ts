import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, WithStartWorkflowOperation } from '@temporalio/client';
import { Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { createLogger } from './logger.ts';
import { temporalLogger } from './temporalLogger.ts';
import { clientInterceptors, workerInterceptors } from './temporalTracing.ts';
import { runInRequestSpan, startTracing, type Tracing } from './tracing.ts';

const config = readConfig();
const namespace = config.TEMPORAL_NAMESPACE;
const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const traceId = '0af7651916cd43dd8448eb211c80319c';

interface ExportedSpan {
  traceId: string;
  name: string;
  status: { code: number; message?: string };
  events: { attributes: { key: string; value: unknown }[] }[];
}

/** A collector that speaks OTLP over HTTP and keeps what it is sent. */
const exported: ExportedSpan[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[];
    };
    exported.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
    response.setHeader('content-type', 'application/json').end('{}');
  });
});

const lines: Record<string, unknown>[] = [];
const logger = createLogger({
  service: 'test',
  level: 'info',
  destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
});
let tracing: Tracing;

beforeAll(async () => {
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  tracing = startTracing({ service: 'test', exporterUrl: `http://127.0.0.1:${port}/v1/traces` });
  Runtime.install({ logger: temporalLogger(logger) });
});
afterAll(() => {
  collector.closeAllConnections();
  collector.close();
});

test('One trace runs from the request through the workflow into every activity, and its id into every line (I4)', async () => {
  const sessionId = randomUUID();
  const taskQueue = `tracing-${sessionId}`;
  const native = await connectWorker(config);
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('temporalTracing.fixture.mjs', import.meta.url)),
    activities: {
      traced: (step: string) => {
        logger.info({ session_id: sessionId, step }, 'inside an activity');
        if (step === 'second' && lines.filter(({ message }) => message === 'inside an activity').length < 3) {
          throw new Error('quotes MARKER');
        }
      },
    },
    ...workerInterceptors(tracing),
  });
  const connection = await connectTemporal(config);
  const client = new Client({ connection, namespace, interceptors: clientInterceptors() });

  await worker.runUntil(
    runInRequestSpan(tracing, { method: 'POST', headers: { traceparent: caller } }, async (span) => {
      const startWorkflowOperation = new WithStartWorkflowOperation('tracedWorkflow', {
        workflowId: `session-${sessionId}`,
        taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      await client.workflow.executeUpdateWithStart('created', { startWorkflowOperation });
      await (await startWorkflowOperation.workflowHandle()).result();
      logger.info('inside the request');
      span.end();
    }),
  );
  await connection.close();
  await native.close();
  await tracing.shutdown();

  const own = exported.filter((span) => span.traceId === traceId).map(({ name }) => name);
  expect(own).toEqual(expect.arrayContaining(['POST', 'UpdateWithStartWorkflow:created']));
  expect(own.filter((name) => name === 'RunActivity:traced')).toHaveLength(3);

  for (const message of ['inside the request', 'inside the workflow', 'inside an activity']) {
    const said = lines.filter((line) => line.message === message);
    expect(said.length).toBeGreaterThan(0);
    for (const line of said) expect(line.trace_id).toBe(traceId);
  }
  expect(lines.find(({ message }) => message === 'inside the workflow')?.session_id).toBe(sessionId);

  const failed = exported.filter(({ status }) => status.code === 2);
  expect(failed.length).toBeGreaterThan(0);
  expect(JSON.stringify(exported)).not.toContain('MARKER');
});
