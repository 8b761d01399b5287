import type { Command } from 'commander';
import { actAndTell, type ActingOptions } from './acting.ts';

/** `retry`: the step that a session is at, now. */
export function retryCommand(program: Command): void {
  program
    .command('retry <id>')
    .description('retry the step that a session is at, now')
    .requiredOption('--reason <words>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((id: string, options: ActingOptions) => actAndTell(id, { action: 'retry' }, options));
}
