import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { z } from 'zod';
import { exampleOf } from '../tests/examples.ts';
import { httpClient, type Answer } from './httpClient.ts';
import { quantile, summary, throughputOf } from './statistics.ts';

/**
 * The gateway under a mix of calls at a fixed rate, each due at its time whether or not the one before has been
 * answered, so that a slow answer is not hidden by the calls that it delays; and what an authenticated read of a cached
 * session costs beside an Express that answers a constant.
 */

const callsPerSecond = Number(process.argv[4] ?? 500);
const seconds = 20;
const people = 40;
const sessionsEach = 10;

const apiUrl = process.argv[2] ?? 'http://127.0.0.1:3000';
const api = httpClient(`${apiUrl}/v1`, 256);
const example = await exampleOf('dowsing');

interface Person {
  email: string;
  password: string;
  accessToken: string;
  sessionIds: string[];
  analyzedId: string;
}

const tokensSchema = z.object({ data: z.object({ accessToken: z.string(), refreshToken: z.string() }) });
const sessionSchema = z.object({ data: z.object({ id: z.uuid() }) });

/** Those who log in and out again in the run; their refresh tokens wait here for a log-out. */
const comers: string[] = [];
/** Refresh tokens of log-ins, each of which waits here for its next refresh. */
const refreshable: string[] = [];

say(`Preparing ${people} people with ${sessionsEach} sessions each`);
const everybody = await Promise.all(Array.from({ length: people }, newPerson));

interface Kind {
  title: string;
  /** Of a hundred calls. */
  share: number;
  /** The target of the specification, of the 95th percentile. */
  targetMs: number;
  call: (person: Person) => Promise<Answer>;
}

/** Seventy of a hundred read. Creating a session starts a workflow, which the whole stack then works on. */
const mix: Kind[] = [
  {
    title: 'get a session',
    share: 40,
    targetMs: 500,
    call: (person) => read(person, `/sessions/${oneOf(person.sessionIds)}`),
  },
  { title: 'list sessions', share: 8, targetMs: 500, call: (person) => read(person, '/sessions?limit=10') },
  {
    title: 'get results',
    share: 12,
    targetMs: 500,
    call: (person) => read(person, `/sessions/${person.analyzedId}/results`),
  },
  { title: 'read the account', share: 10, targetMs: 500, call: (person) => read(person, '/me') },
  { title: 'update a session', share: 18, targetMs: 800, call: updateSession },
  { title: 'create a session', share: 2, targetMs: 1_000, call: createSession },
  { title: 'delete a session', share: 1, targetMs: 300, call: deleteSession },
  { title: 'start an analysis', share: 1, targetMs: 2_000, call: startAnalysis },
  { title: 'refresh', share: 5, targetMs: 200, call: refresh },
  { title: 'log in', share: 2, targetMs: 500, call: logIn },
  { title: 'log out', share: 1, targetMs: 100, call: logOut },
];

say(`${callsPerSecond} calls a second for ${seconds} seconds, 70% of them reads`);
const before = await cacheReads();
const { durations, refused, lateMs } = await runMix();
const after = await cacheReads();
const hitRatio = (after.hit - before.hit) / (after.hit + after.miss - before.hit - before.miss);

say('The ratio of a cached, authenticated read to a constant');
const ratios: number[] = [];
const perSecond = { cached: 0, constant: 0 };
const constantProcess = fork('bench/constantProcess.ts', { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
const [constantUrl] = z
  .tuple([z.string()])
  .rest(z.unknown())
  .parse(await once(constantProcess, 'message'));
const constant = httpClient(constantUrl, 32);
const [reader] = everybody;
for (let round = 0; round < 6; round++) {
  const cached = await throughputOf(3_000, 32, () => read(present(reader), `/sessions/${present(reader).analyzedId}`));
  const plain = await throughputOf(3_000, 32, () => constant.call('GET', ''));
  // The first round warms both up.
  if (round === 0) continue;
  perSecond.cached = Math.max(perSecond.cached, cached.perSecond);
  perSecond.constant = Math.max(perSecond.constant, plain.perSecond);
  ratios.push(cached.perSecond / plain.perSecond);
}
constantProcess.kill('SIGTERM');
constant.close();
api.close();

const latencies = mix.map(({ title, targetMs }) => ({ title, targetMs, ...summary(durations.get(title) ?? []) }));
const report = {
  at: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  callsPerSecond,
  latencies,
  refused: Object.fromEntries(refused),
  cacheHitRatio: hitRatio,
  /** How far behind its time the client itself sent a call: what it is late is not the gateway's. */
  clientLateP95Ms: quantile(lateMs, 0.95),
  cachedRead: { ...perSecond, ratio: quantile(ratios, 0.5) },
};
await mkdir('.mindpeeker', { recursive: true });
await writeFile('.mindpeeker/bench-gateway.json', `${JSON.stringify(report, null, 2)}\n`);
show();

async function runMix() {
  const durations = new Map<string, number[]>(mix.map(({ title }) => [title, []]));
  const refused = new Map<string, number>();
  const lateMs: number[] = [];
  const total = callsPerSecond * seconds;
  const startedAt = performance.now();
  const under: Promise<void>[] = [];
  for (let i = 0; i < total; i++) {
    const dueAt = startedAt + (i * 1_000) / callsPerSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    lateMs.push(performance.now() - dueAt);
    under.push(timed(kindOf(i), dueAt));
  }
  await Promise.all(under);
  return { durations, refused, lateMs };

  async function timed(kind: Kind, dueAt: number): Promise<void> {
    const { status } = await kind.call(oneOf(everybody));
    durations.get(kind.title)?.push(performance.now() - dueAt);
    if (status >= 400) refused.set(`${kind.title}: ${status}`, (refused.get(`${kind.title}: ${status}`) ?? 0) + 1);
  }
}

/** The kinds take turns by their shares, spread evenly: 37 has no common divisor with 100. */
function kindOf(i: number): Kind {
  let place = (i * 37) % 100;
  for (const kind of mix) {
    if (place < kind.share) return kind;
    place -= kind.share;
  }
  throw new Error('The shares do not add to a hundred');
}

function read({ accessToken }: Person, path: string): Promise<Answer> {
  return api.call('GET', path, { token: accessToken });
}

function updateSession(person: Person): Promise<Answer> {
  const body = { metadata: { note: randomUUID() } };
  return api.call('PATCH', `/sessions/${oneOf(person.sessionIds)}`, { token: person.accessToken, body });
}

async function createSession({ accessToken, sessionIds }: Person): Promise<Answer> {
  const answer = await api.call('POST', '/sessions', { token: accessToken, body: { ...example, autoAnalyze: false } });
  if (answer.status === 201) sessionIds.push(sessionSchema.parse(JSON.parse(answer.text)).data.id);
  return answer;
}

/** Takes the oldest session that may still be changed, so that no other call meets it; the first is kept for reads. */
function takeSession(person: Person): string {
  const id = person.sessionIds.length > 2 ? person.sessionIds.splice(1, 1)[0] : undefined;
  return id ?? present(person.sessionIds[0]);
}

function deleteSession(person: Person): Promise<Answer> {
  return api.call('DELETE', `/sessions/${takeSession(person)}`, { token: person.accessToken });
}

function startAnalysis(person: Person): Promise<Answer> {
  return api.call('POST', `/sessions/${takeSession(person)}/analysis`, { token: person.accessToken });
}

/** A log-in is refreshed by one call at a time: a token that came twice would end it. */
async function refresh(): Promise<Answer> {
  const refreshToken = refreshable.shift() ?? '';
  const answer = await api.call('POST', '/auth/refresh', { body: { refreshToken } });
  if (answer.status === 200) refreshable.push(tokensSchema.parse(JSON.parse(answer.text)).data.refreshToken);
  return answer;
}

async function logIn({ email, password }: Person): Promise<Answer> {
  const answer = await api.call('POST', '/auth/login', { body: { email, password } });
  if (answer.status === 200) comers.push(tokensSchema.parse(JSON.parse(answer.text)).data.refreshToken);
  return answer;
}

function logOut(): Promise<Answer> {
  return api.call('POST', '/auth/logout', { body: { refreshToken: comers.pop() ?? randomUUID() } });
}

async function newPerson(): Promise<Person> {
  const username = `bench-${randomUUID()}`;
  const credentials = { email: `${username}@example.com`, username, password: randomUUID() };
  const { data } = tokensSchema.parse(
    JSON.parse((await api.call('POST', '/auth/register', { body: credentials })).text),
  );
  const { accessToken, refreshToken } = data;
  refreshable.push(refreshToken);
  const person: Person = { ...credentials, accessToken, sessionIds: [], analyzedId: '' };
  for (let i = 0; i < sessionsEach; i++) await createSession(person);
  person.analyzedId = takeSession(person);
  await api.call('POST', `/sessions/${person.analyzedId}/analysis`, { token: person.accessToken });
  for (;;) {
    const { status } = await read(person, `/sessions/${person.analyzedId}/results`);
    if (status === 200) return person;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What the gateway has read from its cache so far. */
async function cacheReads(): Promise<{ hit: number; miss: number }> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  const of = (outcome: string) =>
    [...text.matchAll(/^cache_reads_total\{[^}]*outcome="(\w+)"[^}]*\} (\d+)/gm)]
      .filter(([, which]) => which === outcome)
      .reduce((sum, [, , count]) => sum + Number(count), 0);
  return { hit: of('hit'), miss: of('miss') };
}

function oneOf<T>(values: readonly T[]): T {
  return present(values[Math.floor(Math.random() * values.length)]);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('There is nothing to choose from');
  return value;
}

function show(): void {
  const line = (what: string, ...values: string[]) => {
    say(`  ${what.padEnd(24)}${values.map((value) => value.padStart(11)).join('')}`);
  };
  say('');
  line(`${callsPerSecond} calls a second`, 'calls', 'p50 ms', 'p95 ms', 'target ms');
  for (const { title, targetMs, count, p50Ms, p95Ms } of latencies) {
    line(title, String(count), p50Ms.toFixed(1), p95Ms.toFixed(1), `${targetMs}${p95Ms <= targetMs ? '' : ' missed'}`);
  }
  say('');
  line('cache hit ratio', `${(hitRatio * 100).toFixed(1)}%`);
  line('client late, p95 ms', report.clientLateP95Ms.toFixed(1));
  line('refused', String([...refused.values()].reduce((sum, count) => sum + count, 0)), ...refused.keys());
  line('cached read a second', perSecond.cached.toFixed(0));
  line('constant a second', perSecond.constant.toFixed(0));
  line('ratio', report.cachedRead.ratio.toFixed(2));
  say('', `  ${report.machine}, Node ${process.version}; written to .mindpeeker/bench-gateway.json`);
}

function say(...lines: string[]): void {
  for (const text of lines) console.log(text);
}
