import { secondMs } from '../domain/time.ts';
import type { BatchFacts } from '../ml/engine.ts';
import type { Metrics } from '../observability/metrics.ts';

type Watched = Pick<Metrics, 'aiInferenceDurationSeconds' | 'inferenceBatchSize' | 'inferenceQueueSeconds'>;

/** Counts what an engine tells of its batches (I2; P6 bounds the time in the queue). */
export function countBatches(metrics: Watched): (batch: BatchFacts) => void {
  return ({ name: model, backend, size, tookMs, queuedMs }) => {
    metrics.aiInferenceDurationSeconds.observe({ model, backend }, tookMs / secondMs);
    metrics.inferenceBatchSize.observe({ model }, size);
    for (const ms of queuedMs) metrics.inferenceQueueSeconds.observe({ model }, ms / secondMs);
  };
}
