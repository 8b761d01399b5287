import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { hash } from '@node-rs/argon2';
import { isPassword, hashPassword } from '../api/auth/passwords.ts';
import { latencyOf, quantile } from './statistics.ts';

/**
 * `npm run bench:login`: what a log-in's hash costs by each of the parameters that OWASP holds for equally strong, with
 * one and with fifty in flight, and what the gateway's own check adds to the bare hash. Rounds go over all parameters in
 * turn, so that what else the machine does falls on all alike; the middle round counts. Processor time is told beside
 * the clock, since it depends less on what else runs.
 */

const parameters = [
  { memoryCost: 47_104, timeCost: 1 },
  { memoryCost: 19_456, timeCost: 2 },
  { memoryCost: 12_288, timeCost: 3 },
  { memoryCost: 9_216, timeCost: 4 },
  { memoryCost: 7_168, timeCost: 5 },
];
const rounds = 3;
const inFlight = 50;
const hashesEach = 100;

interface Cost {
  processorMs: number;
  p95Ms: number;
}

/** `inFlight` at a time, as many as `hashesEach`. */
async function costOf(once: () => Promise<unknown>): Promise<Cost> {
  const durationsMs: number[] = [];
  const before = process.cpuUsage();
  let left = hashesEach;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) {
        const startedAt = performance.now();
        await once();
        durationsMs.push(performance.now() - startedAt);
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { processorMs: (user + system) / 1_000 / hashesEach, p95Ms: quantile(durationsMs, 0.95) };
}

const middle = (costs: readonly Cost[]): Cost => ({
  processorMs: quantile(
    costs.map(({ processorMs }) => processorMs),
    0.5,
  ),
  p95Ms: quantile(
    costs.map(({ p95Ms }) => p95Ms),
    0.5,
  ),
});

const password = randomBytes(12).toString('base64url');
const kept = await hashPassword(password);
const subjects = [
  ...parameters.map((cost) => ({
    name: `${cost.memoryCost / 1_024} MiB, t=${cost.timeCost}`,
    once: () => hash(password, { ...cost, parallelism: 1 }),
  })),
  { name: 'the gateway’s check', once: () => isPassword(kept, password) },
];

const alone = await latencyOf(20, () => isPassword(kept, password));
const costs = subjects.map((): Cost[] => []);
for (let round = 0; round < rounds; round += 1) {
  for (const [i, { once }] of subjects.entries()) costs[i]?.push(await costOf(once));
}

console.log(
  `${cpus().length} cores, ${inFlight} in flight, ${hashesEach} hashes a round, the middle of ${rounds} rounds\n`,
);
console.log('| Argon2id | processor ms a hash | p95 ms |\n| --- | ---: | ---: |');
for (const [i, { name }] of subjects.entries()) {
  const { processorMs, p95Ms } = middle(costs[i] ?? []);
  console.log(`| ${name} | ${processorMs.toFixed(1)} | ${p95Ms.toFixed(0)} |`);
}
const [bare, ours] = [middle(costs.at(-2) ?? []), middle(costs.at(-1) ?? [])];
console.log(
  `\nalone: p95 ${alone.p95Ms.toFixed(0)} ms; check to bare hash: ${(ours.processorMs / bare.processorMs).toFixed(2)}`,
);
