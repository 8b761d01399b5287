import { proxyActivities } from '@temporalio/workflow';
import { taskQueues } from './bareQueues.ts';

interface NoOp {
  nothing(): Promise<void>;
}

const onCpu = proxyActivities<NoOp>({ taskQueue: taskQueues.cpu, startToCloseTimeout: 10_000 });
const onGpu = proxyActivities<NoOp>({ taskQueue: taskQueues.gpu, startToCloseTimeout: 10_000 });

/** What a session would be if its steps did nothing: four activities on two queues. */
export async function bareWorkflow(): Promise<void> {
  await onCpu.nothing();
  await onGpu.nothing();
  await onCpu.nothing();
  await onCpu.nothing();
}
