import type { Command } from 'commander';
import { answer } from './command.ts';

/** `queues`: how much work waits in each queue, and who polls it. */
export function queuesCommand(program: Command): void {
  program
    .command('queues')
    .description('how much work waits in each queue, and who polls it')
    .option('--json', 'for a program to read')
    .action((options: { json?: boolean }) =>
      answer(options, async ({ workflows }) => {
        const queues = await workflows.queueStates();
        const lines = queues.map(
          ({ queue, workers, backlog }) =>
            `${queue.padEnd(24)} ${String(workers).padStart(3)} workers  ${String(backlog).padStart(6)} waiting`,
        );
        return { json: { queues }, text: lines.join('\n') };
      }),
    );
}
