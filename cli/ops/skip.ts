import type { Command } from 'commander';
import { actAndTell, type ActingOptions } from './acting.ts';

/** `skip`: the step that a session is at is left out, where it may be. */
export function skipCommand(program: Command): void {
  program
    .command('skip <id>')
    .description('leave out the step that a session is at; notify alone may be')
    .requiredOption('--reason <words>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((id: string, options: ActingOptions) => actAndTell(id, { action: 'skip' }, options));
}
