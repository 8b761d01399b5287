import { describe, expect, test } from '@jest/globals';
import { parseGpuUtilization, transmittedBytes } from './hostMetrics.ts';
import { createMetrics } from './metrics.ts';

const specified = [
  'sessions_created_total',
  'sessions_completed_total',
  'analysis_duration_seconds',
  'user_tier_distribution',
  'api_usage_by_endpoint',
  'http_requests_total',
  'http_request_duration_seconds',
  'database_connections_active',
  'cache_hit_ratio',
  'ai_inference_duration_seconds',
  'cpu_utilization_percent',
  'memory_utilization_percent',
  'disk_io_operations_total',
  'network_bytes_transmitted',
];

describe('The metrics of a process', () => {
  test('go by the names of the specification (I2)', async () => {
    const page = await createMetrics('api').registry.metrics();
    for (const name of specified) expect(page).toContain(`# TYPE ${name} `);
  });

  test('carry the service and the labels of each name (I2)', async () => {
    const metrics = createMetrics('workerCpu');
    metrics.sessionsCompletedTotal.inc({ session_type: 'dowsing', status: 'completed' });
    metrics.aiInferenceDurationSeconds.observe({ model: 'dowsing', backend: 'wasm' }, 0.004);
    const page = await metrics.registry.metrics();
    expect(page).toContain('sessions_completed_total{session_type="dowsing",status="completed",service="workerCpu"} 1');
    expect(page).toMatch(/ai_inference_duration_seconds_bucket\{le="0\.005",.*model="dowsing".*\} 1/);
  });

  test('say what share of the cache reads hit (I2, P5)', async () => {
    const metrics = createMetrics('api');
    expect(await metrics.registry.getSingleMetricAsString('cache_hit_ratio')).toMatch(/ 1$/);
    for (const outcome of ['hit', 'hit', 'hit', 'miss'] as const) metrics.cacheRead(outcome);
    expect(await metrics.registry.getSingleMetricAsString('cache_hit_ratio')).toMatch(/ 0\.75$/);
  });

  test('give shares of the machine between 0 and 100, at every reading (I2)', async () => {
    const { registry } = createMetrics('api');
    for (let reading = 0; reading < 3; reading += 1) {
      for (const name of ['cpu_utilization_percent', 'memory_utilization_percent']) {
        const percent = Number((await registry.getSingleMetricAsString(name)).split(' ').at(-1));
        expect(percent).toBeGreaterThanOrEqual(0);
        expect(percent).toBeLessThanOrEqual(100);
      }
    }
  });

  test('of two services in one process do not mix', async () => {
    const [one, other] = [createMetrics('one'), createMetrics('other')];
    one.liveConnections.set(3);
    expect(await other.registry.metrics()).not.toContain('live_connections{service="other"} 3');
  });
});

describe('What the machine tells', () => {
  test('the bytes sent are those of every interface but the loopback (I2)', () => {
    const table = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls',
      '    lo: 100 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0',
      '  eth0: 200 2 0 0 0 0 0 0 4000 2 0 0 0 0 0 0',
      '  eth1:300 3 0 0 0 0 0 0 21 3 0 0 0 0 0 0',
      '',
    ].join('\n');
    expect(transmittedBytes(table)).toBe(4021);
  });

  test('a GPU that cannot tell its use is left out rather than called idle (I2)', () => {
    expect(parseGpuUtilization('37\n[N/A]\n0\n')).toEqual([
      { gpu: '0', percent: 37 },
      { gpu: '2', percent: 0 },
    ]);
  });
});
