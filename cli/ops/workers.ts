import type { Command } from 'commander';
import { answer } from './command.ts';

/** `workers`: who polls which queue. One that is gone is listed for a good minute more. */
export function workersCommand(program: Command): void {
  program
    .command('workers')
    .description('who polls which queue: process and machine, build, last poll')
    .option('--json', 'for a program to read')
    .action((options: { json?: boolean }) =>
      answer(options, async ({ workflows }) => {
        const workers = await workflows.queues.workers();
        const lines = workers.map(({ queue, identity, buildId, lastPolledAt }) =>
          [queue.padEnd(20), identity.padEnd(30), (buildId ?? 'no build id').padEnd(20), lastPolledAt ?? ''].join('  '),
        );
        return { json: { workers }, text: lines.length === 0 ? 'No worker polls any queue.' : lines.join('\n') };
      }),
    );
}
