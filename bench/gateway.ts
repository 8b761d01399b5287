import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { z } from 'zod';
import { prepareCalls, type Kind } from './gatewayCalls.ts';
import { costOf, pidsOf, type Cost } from './gatewayCosts.ts';
import { httpClient } from './httpClient.ts';
import { quantile, summary, throughputOf } from './statistics.ts';

/**
 * The gateway under a mix of calls at a fixed rate, each due at its time whether or not the one before has been
 * answered, so that a slow answer is not hidden by the calls that it delays; what each kind of call costs in processor
 * time; and what an authenticated read of a cached session costs beside an Express that answers a constant.
 */

const callsPerSecond = Number(process.argv[4] ?? 500);
const seconds = 20;
/** A gateway that has just begun compiles what it runs. */
const warmUpSeconds = 5;
/** So many calls without an answer are a stack that does not keep up: going on would measure the queue. */
const maxUnderWay = 2_000;
const callsPerCost = { reading: 400, other: 40 };

const apiUrl = process.argv[2] ?? 'http://127.0.0.1:3000';
const pids = await pidsOf(process.argv[3] ?? '.mindpeeker/stack.json');
const api = httpClient(`${apiUrl}/v1`, 256);

say('Preparing people with their sessions');
const { mix, readCached } = await prepareCalls(api);

const reads = mix.filter(({ title }) => isRead(title));
const readsPerSecond = (callsPerSecond * reads.reduce((sum, { share }) => sum + share, 0)) / 100;
say(`Its reads alone, ${readsPerSecond} a second for ${seconds} seconds, once it is warm`);
await runMix(reads, readsPerSecond, warmUpSeconds);
const readsAlone = await runMix(reads, readsPerSecond);

say(`${callsPerSecond} calls a second for ${seconds} seconds, 70% of them reads`);
const before = await cacheReads();
const { durations, refused, lateMs, keptUp } = await runMix(mix, callsPerSecond);
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
const readConstant = () => constant.call('GET', '');
for (let round = 0; round < 6; round++) {
  const cached = await throughputOf(3_000, 32, readCached);
  const plain = await throughputOf(3_000, 32, readConstant);
  // The first round warms both up.
  if (round === 0) continue;
  perSecond.cached = Math.max(perSecond.cached, cached.perSecond);
  perSecond.constant = Math.max(perSecond.constant, plain.perSecond);
  ratios.push(cached.perSecond / plain.perSecond);
}

say('The processor time of each kind of call');
const costs: Cost[] = [
  await costOf('a constant', 4_000, { ...pids, api: constantProcess.pid ?? 0 }, readConstant),
  await costOf('a cached session', 4_000, pids, readCached),
];
for (const { title, call } of mix) {
  costs.push(await costOf(title, isRead(title) ? callsPerCost.reading : callsPerCost.other, pids, call));
}
constantProcess.kill('SIGTERM');
constant.close();
api.close();

const latencies = mix.map(({ title, targetMs }) => ({
  ...{ title, targetMs, ...summary(durations.get(title) ?? []) },
  p95AloneMs: isRead(title) ? quantile(readsAlone.durations.get(title) ?? [], 0.95) : null,
}));
const report = {
  at: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  callsPerSecond,
  latencies,
  /** Whether every call was sent: a stack that falls too far behind is not measured to the end. */
  keptUp,
  refused: Object.fromEntries(refused),
  costs,
  cacheHitRatio: hitRatio,
  /** How far behind its time the client itself sent a call: what it is late is not the gateway's. */
  clientLateP95Ms: quantile(lateMs, 0.95),
  cachedRead: { ...perSecond, ratio: quantile(ratios, 0.5) },
};
await mkdir('.mindpeeker', { recursive: true });
await writeFile('.mindpeeker/bench-gateway.json', `${JSON.stringify(report, null, 2)}\n`);
show();

/** Sends calls of these kinds, by their shares, at this rate, for so long. */
async function runMix(kinds: readonly Kind[], perSecond: number, forSeconds = seconds) {
  const durations = new Map<string, number[]>(kinds.map(({ title }) => [title, []]));
  const refused = new Map<string, number>();
  const lateMs: number[] = [];
  const total = Math.round(perSecond * forSeconds);
  const startedAt = performance.now();
  const under = new Set<Promise<void>>();
  for (let i = 0; i < total && under.size < maxUnderWay; i++) {
    const dueAt = startedAt + (i * 1_000) / perSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    lateMs.push(performance.now() - dueAt);
    const call = timed(kindOf(kinds, i), dueAt).finally(() => under.delete(call));
    under.add(call);
  }
  await Promise.all(under);
  return { durations, refused, lateMs, keptUp: lateMs.length === total };

  async function timed(kind: Kind, dueAt: number): Promise<void> {
    const { status } = await kind.call();
    durations.get(kind.title)?.push(performance.now() - dueAt);
    if (status >= 400) refused.set(`${kind.title}: ${status}`, (refused.get(`${kind.title}: ${status}`) ?? 0) + 1);
  }
}

/** The kinds take turns by their shares, spread evenly: 37 has no common divisor with the sum of them. */
function kindOf(kinds: readonly Kind[], i: number): Kind {
  let place = (i * 37) % kinds.reduce((sum, { share }) => sum + share, 0);
  for (const kind of kinds) {
    if (place < kind.share) return kind;
    place -= kind.share;
  }
  throw new Error('The shares are no whole numbers');
}

function isRead(title: string): boolean {
  return /^(?:get|list|read) /.test(title);
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

function show(): void {
  const line = (what: string, ...values: string[]) => {
    say(`  ${what.padEnd(24)}${values.map((value) => value.padStart(11)).join('')}`);
  };
  say('');
  line(`${callsPerSecond} calls a second`, 'calls', 'p50 ms', 'p95 ms', 'p95 alone', 'target ms');
  for (const { title, targetMs, count, p50Ms, p95Ms, p95AloneMs } of latencies) {
    const target = `${targetMs}${p95Ms <= targetMs ? '' : ' missed'}`;
    line(title, String(count), p50Ms.toFixed(1), p95Ms.toFixed(1), p95AloneMs?.toFixed(1) ?? '', target);
  }
  if (!keptUp) say(`  the stack fell ${maxUnderWay} calls behind: it does not keep up with this rate`);
  say('');
  line('cache hit ratio', `${(hitRatio * 100).toFixed(1)}%`);
  line('client late, p95 ms', report.clientLateP95Ms.toFixed(1));
  line('refused', String([...refused.values()].reduce((sum, count) => sum + count, 0)), ...refused.keys());
  line('cached read a second', perSecond.cached.toFixed(0));
  line('constant a second', perSecond.constant.toFixed(0));
  line('ratio', report.cachedRead.ratio.toFixed(2));
  const names = Object.keys(costs[1]?.cpuMs ?? {}).filter((name) => !['mail', 'stripe'].includes(name));
  say('');
  line('processor ms a call', ...names);
  for (const { title, cpuMs } of costs) line(title, ...names.map((name) => (cpuMs[name] ?? 0).toFixed(2)));
  say('', `  ${report.machine}, Node ${process.version}; written to .mindpeeker/bench-gateway.json`);
}

function say(...lines: string[]): void {
  for (const text of lines) console.log(text);
}
