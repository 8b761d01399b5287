import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { Counter, Gauge, type Registry } from 'prom-client';

/** What the process takes of its machine (I2), read when the metrics are asked for and not before. */
export function registerHostMetrics(registry: Registry): void {
  registerCpu(registry);
  registerMemory(registry);
  registerDisk(registry);
  registerNetwork(registry);
  registerGpu(registry);
}

/** Share of all cores that this process used since it was last asked; the first answer covers the time since the start. */
function registerCpu(registry: Registry): void {
  let lastMicros = 0;
  let lastAtMs = performance.timeOrigin;
  new Gauge({
    name: 'cpu_utilization_percent',
    help: 'Processor time of this process as a share of all cores, since the last reading.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      const nowMs = performance.timeOrigin + performance.now();
      const availableMicros = (nowMs - lastAtMs) * 1_000 * availableParallelism();
      if (availableMicros > 0) this.set(Math.min(100, (100 * (user + system - lastMicros)) / availableMicros));
      lastMicros = user + system;
      lastAtMs = nowMs;
    },
  });
}

function registerMemory(registry: Registry): void {
  // The limit of the container where there is one; without a limit Node reports a number larger than any machine.
  const limitBytes = Math.min(process.constrainedMemory() || totalmem(), totalmem());
  new Gauge({
    name: 'memory_utilization_percent',
    help: 'Resident memory of this process as a share of what it may use.',
    registers: [registry],
    collect() {
      this.set((100 * process.memoryUsage.rss()) / limitBytes);
    },
  });
}

function registerDisk(registry: Registry): void {
  new Counter({
    name: 'disk_io_operations_total',
    help: 'Block reads and writes of this process.',
    registers: [registry],
    collect() {
      const { fsRead, fsWrite } = process.resourceUsage();
      this.reset();
      this.inc(fsRead + fsWrite);
    },
  });
}

const interfacesFile = '/proc/self/net/dev';

/** Bytes sent by every interface but the loopback; absent where the kernel keeps no such file. */
export function transmittedBytes(table: string): number {
  return table
    .split('\n')
    .map((line) => /^\s*(?<name>[^:\s]+):\s*(?<counts>.*)$/.exec(line)?.groups)
    .filter((groups) => groups !== undefined && groups.name !== 'lo')
    .reduce((sum, groups) => sum + Number(groups?.counts?.trim().split(/\s+/)[8] ?? 0), 0);
}

function registerNetwork(registry: Registry): void {
  if (!existsSync(interfacesFile)) return;
  new Counter({
    name: 'network_bytes_transmitted',
    help: 'Bytes sent by the network interfaces of this machine or pod, loopback left out.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(transmittedBytes(readFileSync(interfacesFile, 'utf8')));
    },
  });
}

const run = promisify(execFile);

/** One line a GPU, a number each, as `nvidia-smi` prints it; a GPU that cannot tell (`[N/A]`) is left out. */
export function parseGpuUtilization(text: string): { gpu: string; percent: number }[] {
  return text
    .split('\n')
    .map((line, i) => ({ gpu: String(i), percent: Number.parseFloat(line) }))
    .filter(({ percent }) => Number.isFinite(percent));
}

/** The metric exists only where an NVIDIA driver does, so that its absence is never read as an idle GPU. */
function registerGpu(registry: Registry): void {
  if (!existsSync('/proc/driver/nvidia') && !existsSync('/dev/nvidiactl')) return;
  new Gauge({
    name: 'gpu_utilization_percent',
    help: 'How busy each GPU is.',
    labelNames: ['gpu'],
    registers: [registry],
    async collect() {
      this.reset();
      try {
        const query = ['--query-gpu=utilization.gpu', '--format=csv,noheader,nounits'];
        const { stdout } = await run('nvidia-smi', query, { timeout: 2_000 });
        for (const { gpu, percent } of parseGpuUtilization(stdout)) this.set({ gpu }, percent);
      } catch {
        // A driver that does not answer leaves the metric without samples; the rest of the page is still served.
      }
    },
  });
}
