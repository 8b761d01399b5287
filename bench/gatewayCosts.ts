import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { cpuTimes } from './cpuTime.ts';
import { throughputOf } from './statistics.ts';

/** What one call costs: the processor time of each process, in milliseconds, however busy the machine is otherwise. */
export interface Cost {
  title: string;
  count: number;
  cpuMs: Record<string, number>;
}

const inFlight = 8;

/** @param pids of the processes, by name; this one counts as `client` */
export async function costOf(
  title: string,
  count: number,
  pids: Readonly<Record<string, number>>,
  call: () => Promise<unknown>,
): Promise<Cost> {
  const all = { ...pids, client: process.pid };
  const before = await cpuTimes(all);
  await throughputOf(count, inFlight, call);
  const after = await cpuTimes(all);
  const each = Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / count] as const);
  return { title, count, cpuMs: Object.fromEntries(each) };
}

/** The processes of a stack, by name, as its record has them. */
export async function pidsOf(stackFile: string): Promise<Record<string, number>> {
  const recordSchema = z.object({ pids: z.record(z.string(), z.number()) });
  return recordSchema.parse(JSON.parse(await readFile(stackFile, 'utf8'))).pids;
}
