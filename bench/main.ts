import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { Client } from '@temporalio/client';
import { io } from 'socket.io-client';
import { z } from 'zod';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import type { SessionUpdate } from '../domain/events.ts';
import { isTerminal } from '../domain/session.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { taskQueues } from './bareQueues.ts';
import type { bareWorkflow } from './bareWorkflow.ts';
import { constantServer } from './constantServer.ts';
import { cpuTimes } from './cpuTime.ts';
import { latencyOf, quantile, summary, throughputOf, type Latency } from './statistics.ts';

/**
 * What a session costs, as a ratio to the bare thing in the same run on the same servers: sessions a second beside a
 * workflow whose four activities do nothing, and the gateway's answers beside an Express that answers a constant.
 */

const rounds = 5;
const sessionsPerRound = 100;
const inFlight = 32;
const callsPerLatency = 200;

const apiUrl = process.argv[2] ?? 'http://127.0.0.1:3000';
const stackFile = process.argv[3] ?? '.mindpeeker/stack.json';
const config = readConfig();
const example: unknown = JSON.parse(await readFile('examples/dowsing.json', 'utf8'));
const api = createApiClient(apiUrl);
const name = `bench-${randomUUID().slice(0, 8)}`;
const { accessToken: token } = await api.register({
  email: `${name}@example.com`,
  username: name,
  password: randomUUID(),
});
const socket = io(apiUrl, { path: '/v1/ws', auth: { token }, transports: ['websocket'] });

const bareWorkers = [await startBareWorker('cpu'), await startBareWorker('gpu')] as const;
const temporal = await connectTemporal(config);
const client = new Client({ connection: temporal, namespace: config.TEMPORAL_NAMESPACE });

const stackPids = z
  .object({ pids: z.record(z.string(), z.number()) })
  .parse(JSON.parse(await readFile(stackFile, 'utf8'))).pids;

say('Warming up');
await throughputOf(30, 8, completeSession);
await throughputOf(30, 8, completeBare);

// Bare and session take turns: what else the machine does falls on both alike, and the middle round of each counts.
say(`Throughput: ${rounds} rounds of ${sessionsPerRound} each, ${inFlight} in flight`);
const bareRounds: Round[] = [];
const sessionRounds: Round[] = [];
for (let round = 0; round < rounds; round++) {
  bareRounds.push(await measure(() => throughputOf(sessionsPerRound, inFlight, completeBare)));
  sessionRounds.push(await measure(() => throughputOf(sessionsPerRound, inFlight, completeSession)));
}
const bare = middle(bareRounds);
const sessions = middle(sessionRounds);
const ratios = sessionRounds.map(({ perSecond }, i) => perSecond / (bareRounds[i]?.perSecond ?? NaN));

say(`Latency: ${callsPerLatency} calls, one after the other`);
const liveMs: number[] = [];
socket.on('session_update', ({ timestamp }: SessionUpdate) => liveMs.push(Date.now() - Date.parse(timestamp)));
const ids: string[] = [];
const create = await latencyOf(callsPerLatency, async () => {
  const { id } = await api.createSession(token, { ...Object(example), autoAnalyze: false });
  ids.push(id);
});
const get = await latencyOf(callsPerLatency, (i) => api.session(token, ids[i] ?? ''));
const completed = await completeSession();
const results = await latencyOf(callsPerLatency, () => api.results(token, completed));
const one = await latencyOf(20, completeSession);
const bareOne = await latencyOf(20, completeBare);
const plain = await constantServer();
const constant = await latencyOf(callsPerLatency, () => fetch(plain.url).then((response) => response.text()));
await plain.close();

const report = {
  at: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  throughput: {
    sessionsPerSecond: sessions.perSecond,
    barePerSecond: bare.perSecond,
    ratio: quantile(ratios, 0.5),
    ratioLowest: Math.min(...ratios),
    ratioHighest: Math.max(...ratios),
  },
  /** Processor time of each process for one session and for one bare workflow. */
  cpuMs: { session: sessions.cpuMs, bare: bare.cpuMs },
  latency: { create, get, results, liveUpdate: summary(liveMs), oneSession: one, oneBare: bareOne, constant },
};
await mkdir('.mindpeeker', { recursive: true });
await writeFile('.mindpeeker/bench.json', `${JSON.stringify(report, null, 2)}\n`);
show();

socket.disconnect();
for (const worker of bareWorkers) {
  worker.kill('SIGTERM');
  await once(worker, 'exit');
}
await temporal.close();

interface Round {
  perSecond: number;
  /** Of each process, for one of the round. */
  cpuMs: Record<string, number>;
}

/** Runs a round and says what processor time each process used for one of it. */
async function measure(round: () => Promise<{ perSecond: number; count: number }>): Promise<Round> {
  const pids = {
    ...stackPids,
    bareCpu: bareWorkers[0].pid ?? 0,
    bareGpu: bareWorkers[1].pid ?? 0,
    client: process.pid,
  };
  const before = await cpuTimes(pids);
  const { perSecond, count } = await round();
  const after = await cpuTimes(pids);
  const each = Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / count] as const);
  return { perSecond, cpuMs: Object.fromEntries(each) };
}

/** The round of the middle throughput. */
function middle(measured: readonly Round[]): Round {
  const sorted = measured.toSorted((a, b) => a.perSecond - b.perSecond);
  const round = sorted[Math.floor(sorted.length / 2)];
  if (round === undefined) throw new Error('No round was measured');
  return round;
}

/** A session from its creation to its bill, over the API and the live connection, as a client sees it. */
async function completeSession(): Promise<string> {
  const { id } = await api.createSession(token, example);
  await new Promise<void>((resolve) => {
    const listener = (update: SessionUpdate): void => {
      if (update.sessionId !== id || !isTerminal(update.data.status)) return;
      socket.off('session_update', listener);
      resolve();
    };
    socket.on('session_update', listener);
    socket.emit('subscribe', { sessionId: id, after: 1 });
  });
  return id;
}

async function completeBare(): Promise<void> {
  await client.workflow.execute<typeof bareWorkflow>('bareWorkflow', {
    workflowId: `bare-${randomUUID()}`,
    taskQueue: taskQueues.cpu,
  });
}

async function startBareWorker(pool: 'cpu' | 'gpu'): Promise<ChildProcess> {
  const child = fork('bench/bareWorker.ts', [pool], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

function show(): void {
  const line = (what: string, ...values: string[]) => {
    say(`  ${what.padEnd(30)}${values.map((value) => value.padStart(12)).join('')}`);
  };
  const latency = (what: string, { p50Ms, p95Ms }: Latency) => {
    line(what, p50Ms.toFixed(1), p95Ms.toFixed(1), `${(p50Ms / constant.p50Ms).toFixed(1)} ×`);
  };
  say('');
  line('Throughput', 'a second', 'ratio');
  line('bare workflow', bare.perSecond.toFixed(1), '1.00');
  line('session', sessions.perSecond.toFixed(1), report.throughput.ratio.toFixed(2));
  const { ratioLowest, ratioHighest } = report.throughput;
  line('  of its rounds', '', `${ratioLowest.toFixed(2)}–${ratioHighest.toFixed(2)}`);
  say('');
  line('Latency', 'p50 ms', 'p95 ms', 'to Express');
  latency('create a session', create);
  latency('get a session', get);
  latency('get results', results);
  latency('live update, commit to reader', report.latency.liveUpdate);
  latency('one whole session', one);
  latency('one bare workflow', bareOne);
  latency('Express answering a constant', constant);
  say('');
  line('Processor time, ms for one', 'session', 'bare');
  for (const [process, ms] of Object.entries(sessions.cpuMs)) {
    line(process, ms.toFixed(1), (bare.cpuMs[process] ?? 0).toFixed(1));
  }
  const total = (times: Record<string, number>) => Object.values(times).reduce((sum, ms) => sum + ms, 0);
  line('all together', total(sessions.cpuMs).toFixed(1), total(bare.cpuMs).toFixed(1));
  say('', `  ${report.machine}, Node ${process.version}; written to .mindpeeker/bench.json`);
}

function say(...lines: string[]): void {
  for (const text of lines) console.log(text);
}
