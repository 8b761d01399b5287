import { expect, test } from '@jest/globals';
import { createMetrics } from '../observability/metrics.ts';
import { countBatches } from './batchMetrics.ts';

test('a batch is counted as one run of its model, with its size and the wait of each session (I2, P6)', async () => {
  const metrics = createMetrics('gpu');
  countBatches(metrics)({
    name: 'dowsing',
    version: '1.0.0',
    backend: 'wasm',
    size: 3,
    tookMs: 20,
    queuedMs: [1, 2, 31_000],
  });
  const read = (name: string) => metrics.registry.getSingleMetricAsString(name);
  expect(await read('ai_inference_duration_seconds')).toMatch(/_sum\{.*backend="wasm".*\} 0\.02$/m);
  expect(await read('inference_batch_size')).toMatch(/_sum\{.*model="dowsing".*\} 3$/m);
  expect(await read('inference_queue_seconds')).toMatch(/_bucket\{le="30",.*model="dowsing".*\} 2$/m);
  expect(await read('inference_queue_seconds')).toMatch(/_count\{.*model="dowsing".*\} 3$/m);
});
