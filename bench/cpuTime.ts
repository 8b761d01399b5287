import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks of Linux's /proc: 100 a second wherever Node runs. */
const msPerTick = 10;

interface ProcessStat {
  pid: number;
  parent: number;
  cpuMs: number;
}

/**
 * The processor time that each named process has used so far, with that of its children, in milliseconds.
 * Empty where there is no /proc.
 */
export async function cpuTimes(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const stats = await readStats();
  if (stats.length === 0) return {};
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [
      name,
      stats.filter((stat) => stat.pid === pid || stat.parent === pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    ]),
  );
}

async function readStats(): Promise<ProcessStat[]> {
  const entries = await readdir('/proc').catch(() => []);
  const stats = await Promise.all(entries.filter((entry) => /^\d+$/.test(entry)).map(readStat));
  return stats.flatMap((stat) => stat ?? []);
}

/** Null when the process has ended meanwhile. */
async function readStat(pid: string): Promise<ProcessStat | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything, so the fields are counted from behind it (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [parent, userTicks, systemTicks] = [fields[1], fields[11], fields[12]].map(Number);
    return { pid: Number(pid), parent: parent ?? 0, cpuMs: ((userTicks ?? 0) + (systemTicks ?? 0)) * msPerTick };
  } catch {
    return null;
  }
}
