import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { createAccessTokens } from '../api/auth/accessTokens.ts';
import { createApiClient } from '../cli/apiClient.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import type { ReaderOrders, ReaderReport } from './liveReaders.ts';
import { memoryOf, type Memory } from './memory.ts';
import { quantile, throughputOf } from './statistics.ts';

/**
 * What ten thousand live connections cost one API process while real sessions run (G4, S1), beside a bare Socket.IO
 * server that holds as many and tells them as much, in the same run. Every connection belongs to an account of its
 * own and follows all sessions of it; one session of each account stands and is followed, too.
 */

const connections = 10_000;
const readerProcesses = 2;
const sessions = 300;
const inFlight = 4;
/** Between the updates of the bare server. */
const pauseMs = 30;
/** Of one session that runs smoothly. */
const updatesPerSession = 5;
const patienceMs = 60_000;

const reportSchema: z.ZodType<ReaderReport> = z.object({
  delaysMs: z.array(z.number()),
  outOfOrder: z.number(),
  closed: z.number(),
});

const apiUrl = process.argv[2] ?? 'http://127.0.0.1:3000';
const stackFile = process.argv[3] ?? '.mindpeeker/stack.json';
const config = readConfig();
const database = openDatabase({ url: config.DATABASE_URL, poolMax: 2 });
const example: unknown = JSON.parse(await readFile('examples/dowsing.json', 'utf8'));
const { pids } = z.object({ pids: z.object({ api: z.number() }) }).parse(JSON.parse(await readFile(stackFile, 'utf8')));

say(`Bare Socket.IO: ${connections} connections, ${sessions * updatesPerSession} updates`);
const bare = await measureBare();

say('Accounts and tokens');
const tokens = await accountsWithTokens();

say(`MindPeeker: ${connections} connections, ${sessions} sessions, ${inFlight} in flight`);
const ours = await measureOurs();

const result = {
  at: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  connections,
  bare,
  ours,
};
await mkdir('.mindpeeker', { recursive: true });
await writeFile('.mindpeeker/bench-live.json', `${JSON.stringify(result, null, 2)}\n`);
show();
await database.close();

interface Measured {
  connectSeconds: number;
  memoryMb: { empty: number; connected: number; atMost: number };
  updates: number;
  missing: number;
  outOfOrder: number;
  closed: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

async function measureBare(): Promise<Measured> {
  const server = fork('bench/bareSocketIo.ts', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const port = z.tuple([z.number()]).parse((await once(server, 'message')).slice(0, 1))[0];
  const pid = server.pid ?? 0;
  const empty = await memoryOf(pid);
  const readers = await connectReaders(
    `ws://127.0.0.1:${port}/v1/ws`,
    Array.from({ length: connections }, () => ({ transport: 'Socket.IO', token: '' })),
    false,
  );
  const connected = await memoryOf(pid);
  const updates = sessions * updatesPerSession;
  server.send({ updates, pauseMs });
  await once(server, 'message');
  const measured = await finish(readers, { pid, empty, connected, expected: updates });
  await stop(server);
  return measured;
}

async function measureOurs(): Promise<Measured> {
  const pid = pids.api;
  const empty = await memoryOf(pid);
  const readers = await connectReaders(
    `${apiUrl.replace('http', 'ws')}/v1/ws`,
    tokens.map((token, i) => ({ transport: i % 2 === 0 ? 'Socket.IO' : 'plain WebSocket', token })),
    true,
  );
  const connected = await memoryOf(pid);
  const ids = await runSessions();
  return finish(readers, { pid, empty, connected, expected: await eventsOf(ids) });
}

interface Readers {
  processes: ChildProcess[];
  connectSeconds: number;
}

async function connectReaders(url: string, readers: ReaderOrders['readers'], subscribes: boolean): Promise<Readers> {
  const startedAt = performance.now();
  const share = Math.ceil(readers.length / readerProcesses);
  const processes = await Promise.all(
    Array.from({ length: readerProcesses }, async (_, i) => {
      const child = fork('bench/liveReaders.ts', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.send({ url, readers: readers.slice(i * share, (i + 1) * share), subscribes } satisfies ReaderOrders);
      await once(child, 'message');
      return child;
    }),
  );
  return { processes, connectSeconds: (performance.now() - startedAt) / 1_000 };
}

/** Waits until the readers have heard everything, or for as long as patience lasts, and ends them. */
async function finish(
  { processes, connectSeconds }: Readers,
  { pid, empty, connected, expected }: { pid: number; empty: Memory; connected: Memory; expected: number },
): Promise<Measured> {
  const deadline = Date.now() + patienceMs;
  let reports = await askAll(processes);
  while (updatesIn(reports) < expected && Date.now() < deadline) {
    await pause(200);
    reports = await askAll(processes);
  }
  const delaysMs = reports.flatMap((report) => report.delaysMs);
  const sum = (name: 'outOfOrder' | 'closed') => reports.reduce((total, report) => total + report[name], 0);
  const { highestMb } = await memoryOf(pid);
  await Promise.all(processes.map(stop));
  return {
    connectSeconds,
    memoryMb: { empty: empty.residentMb, connected: connected.residentMb, atMost: highestMb },
    updates: delaysMs.length,
    missing: expected - delaysMs.length,
    outOfOrder: sum('outOfOrder'),
    closed: sum('closed'),
    p50Ms: quantile(delaysMs, 0.5),
    p95Ms: quantile(delaysMs, 0.95),
    p99Ms: quantile(delaysMs, 0.99),
  };
}

async function askAll(processes: readonly ChildProcess[]): Promise<ReaderReport[]> {
  return Promise.all(
    processes.map(async (child) => {
      child.send('report');
      return reportSchema.parse((await once(child, 'message'))[0]);
    }),
  );
}

function updatesIn(reports: readonly ReaderReport[]): number {
  return reports.reduce((sum, { delaysMs }) => sum + delaysMs.length, 0);
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** An account for each connection, with one session that stands; made in PostgreSQL, for what they cost is no question here. */
async function accountsWithTokens(): Promise<string[]> {
  const em = database.asService();
  const run = randomUUID();
  const ids = await em.execute<{ id: string }[]>(
    `insert into users (id, email, username, password_hash, tier)
     select gen_random_uuid(), :run || i || '@example.com', :run || i, 'none', 'basic'
     from generate_series(1, :connections) as i
     returning id`,
    { run, connections },
  );
  await em.execute(
    `with session as (
       insert into sessions (id, user_id, cue, session_type, status)
       select gen_random_uuid(), u.id, :cue, 'dowsing', 'created'
       from users u where u.username like :run || '%'
       returning id, user_id
     ), state as (
       insert into session_states (session_id, user_id, fingerprint, content_key, has_impressions, step, last_seq)
       select id, user_id, '', '', false, 'create', 1 from session
     )
     insert into session_events (session_id, seq, type, data)
     select id, 1, 'created', '{"status": "created", "step": "create"}' from session`,
    { run, cue: 'Is it here?' },
  );
  const accessTokens = await createAccessTokens(config.JWT_SIGNING_KEYS);
  return Promise.all(ids.map(({ id }) => accessTokens.issue({ id, tier: 'basic', role: 'user' }, randomUUID())));
}

/** Sessions of accounts that are spread over all, a few at a time; each is waited for in PostgreSQL. */
async function runSessions(): Promise<string[]> {
  const api = createApiClient(apiUrl);
  const ids: string[] = [];
  await throughputOf(sessions, inFlight, async (i) => {
    const { id } = await api.createSession(tokens[Math.floor((i * connections) / sessions)] ?? '', example);
    ids.push(id);
    while (await isOpen(id)) await pause(50);
  });
  return ids;
}

async function isOpen(id: string): Promise<boolean> {
  const [row] = await database
    .asService()
    .execute<{ open: boolean }[]>(`select completed_at is null as open from sessions where id = :id`, { id });
  return row?.open ?? false;
}

async function eventsOf(ids: readonly string[]): Promise<number> {
  const [row] = await database
    .asService()
    .execute<{ count: number }[]>(
      `select count(*)::int as count from session_events where :ids::jsonb @> to_jsonb(session_id::text)`,
      { ids: JSON.stringify(ids) },
    );
  return row?.count ?? 0;
}

function show(): void {
  const line = (what: string, of: (measured: Measured) => number, digits = 0, ratio = true) => {
    const values = [of(ours).toFixed(digits), of(bare).toFixed(digits), ratio ? (of(ours) / of(bare)).toFixed(2) : ''];
    say(`  ${what.padEnd(44)}${values.map((value) => value.padStart(12)).join('')}`);
  };
  say('', `  ${''.padEnd(44)}${['MindPeeker', 'Socket.IO', 'ratio'].map((name) => name.padStart(12)).join('')}`);
  line('seconds to connect all', ({ connectSeconds }) => connectSeconds, 1);
  line('memory before, MB', ({ memoryMb }) => memoryMb.empty);
  line('memory with all connected, MB', ({ memoryMb }) => memoryMb.connected);
  line('memory at its highest, MB', ({ memoryMb }) => memoryMb.atMost);
  line('updates', ({ updates }) => updates, 0, false);
  line('  missing', ({ missing }) => missing, 0, false);
  line('  out of order', ({ outOfOrder }) => outOfOrder, 0, false);
  line('connections that ended', ({ closed }) => closed, 0, false);
  line('from commit (bare: from emit) to reader, p50 ms', ({ p50Ms }) => p50Ms, 1, false);
  line('  p95 ms', ({ p95Ms }) => p95Ms, 1, false);
  line('  p99 ms', ({ p99Ms }) => p99Ms, 1, false);
  say('', `  ${result.machine}, Node ${result.node}; written to .mindpeeker/bench-live.json`);
}

function say(...lines: string[]): void {
  for (const text of lines) console.log(text);
}
