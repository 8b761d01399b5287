import { afterEach, describe, expect, test } from '@jest/globals';
import { Gauge } from 'prom-client';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { runChecks, startTelemetryServer, type Check } from './telemetryServer.ts';

const lines: string[] = [];
const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
const refuse: Check = () => Promise.reject(new Error('connect ECONNREFUSED postgres://mindpeeker:hunter2@db:5432'));
const pass: Check = () => Promise.resolve();

let running: Awaited<ReturnType<typeof startTelemetryServer>> | undefined;
async function start(checks: Record<string, Check>): Promise<string> {
  running = await startTelemetryServer({ host: '127.0.0.1', port: 0, metrics: createMetrics('test'), checks, logger });
  return `http://127.0.0.1:${running.port}`;
}
afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe("A worker's telemetry server", () => {
  test('is ready when every dependency answers', async () => {
    const response = await fetch(`${await start({ postgres: pass, redis: pass })}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ready: true, checks: { postgres: 'ok', redis: 'ok' } });
  });

  test('names the dependency that is down, and neither answer nor log tells a secret (I4, I5)', async () => {
    const response = await fetch(`${await start({ postgres: refuse, redis: pass })}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      checks: { postgres: 'postgres is not reachable', redis: 'ok' },
    });
    expect(lines.join('')).toContain('"dependency":"postgres"');
    expect(lines.join('')).not.toContain('hunter2');
  });

  test('lives even while a dependency is down', async () => {
    const response = await fetch(`${await start({ postgres: refuse })}/healthz`);
    expect([response.status, await response.json()]).toEqual([200, { alive: true }]);
  });

  test('serves the metrics in the form of Prometheus (I2)', async () => {
    const response = await fetch(`${await start({})}/metrics?from=prometheus`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('# TYPE cpu_utilization_percent gauge');
  });

  test('says that its page failed, and the log tells why', async () => {
    const metrics = createMetrics('test');
    new Gauge({
      name: 'broken',
      help: 'Fails when it is read.',
      registers: [metrics.registry],
      collect: () => Promise.reject(new Error('this gauge is broken')),
    });
    running = await startTelemetryServer({ host: '127.0.0.1', port: 0, metrics, checks: {}, logger });
    const response = await fetch(`http://127.0.0.1:${running.port}/metrics`);
    expect(response.status).toBe(500);
    expect(lines.join('')).toContain('this gauge is broken');
  });

  test('refuses other methods and other pages', async () => {
    const base = await start({});
    const posted = await fetch(`${base}/metrics`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${base}/secrets`)).status).toBe(404);
  });

  test('says that a port is taken instead of running on nothing', async () => {
    await start({});
    const options = { host: '127.0.0.1', port: running?.port ?? 0, metrics: createMetrics('b'), checks: {}, logger };
    await expect(startTelemetryServer(options)).rejects.toThrow('EADDRINUSE');
  });
});

test('A dependency that hangs counts as down after two seconds, and one that throws at once counts as down', async () => {
  const checks: Record<string, Check> = {
    hanging: () => new Promise(() => undefined),
    throwing: () => {
      throw new Error('no');
    },
  };
  expect(await runChecks(checks)).toEqual({
    ready: false,
    checks: { hanging: 'hanging has not answered within 2 seconds', throwing: 'throwing is not reachable' },
  });
});
