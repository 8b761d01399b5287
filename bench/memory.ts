import { readFile } from 'node:fs/promises';

/** What a process holds in memory, in units of 1,000,000 bytes. */
export interface Memory {
  residentMb: number;
  /** The most that it has held since it started. */
  highestMb: number;
}

/** As Linux says it (proc(5)); NaN where there is no /proc. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const megabytes = (name: string): number => {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
    return (Number(kibibytes) * 1_024) / 1_000_000;
  };
  return { residentMb: megabytes('VmRSS'), highestMb: megabytes('VmHWM') };
}
