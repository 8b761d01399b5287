import type { Command } from 'commander';
import { isPaused, listModels } from '../../db/models.ts';
import type { QueueState } from '../../domain/taskQueues.ts';
import { answer } from './command.ts';

/** `queues`: how much work waits in each queue, at what pace it is done, and what is paused. */
export function queuesCommand(program: Command): void {
  program
    .command('queues')
    .description('how much work waits in each queue, at what pace it is done, and what is paused')
    .option('--json', 'for a program to read')
    .action((options: { json?: boolean }) =>
      answer(options, async ({ resources, workflows }) => {
        const [queues, models] = await Promise.all([
          workflows.queues.states(),
          listModels(resources.database.asService()),
        ]);
        const pausedModels = models.filter(isPaused).map(({ name, pausedAt, pauseReason }) => ({
          model: name,
          since: pausedAt?.toISOString() ?? null,
          reason: pauseReason ?? null,
        }));
        const lines = pausedModels.map(
          ({ model, since, reason }) => `${model} is paused since ${since ?? '?'}: ${reason ?? 'nobody said why'}`,
        );
        return { json: { queues, pausedModels }, text: [...queues.map(inWords), ...lines].join('\n') };
      }),
    );
}

function inWords(state: QueueState): string {
  const { queue, workers, backlog, backlogAgeSeconds, addedPerSecond, dispatchedPerSecond, limitPerSecond, paused } =
    state;
  const oldest = backlog === 0 ? '' : `, the oldest for ${Math.round(backlogAgeSeconds)} s`;
  return [
    queue.padEnd(20),
    workers === 0 ? 'NO WORKER' : `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    `${backlog} waiting${oldest}`,
    `${addedPerSecond.toFixed(1)} a second in, ${dispatchedPerSecond.toFixed(1)} out`,
    ...(limitPerSecond === null || paused !== null ? [] : [`at most ${Math.round(limitPerSecond)} a second`]),
    ...(paused === null ? [] : [`PAUSED since ${paused.since} by ${paused.by}: ${paused.reason}`]),
  ].join('  ');
}
