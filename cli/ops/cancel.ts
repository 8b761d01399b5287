import type { Command } from 'commander';
import { actAndTell, type ActingOptions } from './acting.ts';

/** `cancel`: ends a session, and takes back what Stripe may have taken. */
export function cancelCommand(program: Command): void {
  program
    .command('cancel <id>')
    .description('end a session, and take back what Stripe may have taken')
    .option('--delete-content', 'delete what was recorded, too')
    .requiredOption('--reason <words>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((id: string, { deleteContent = false, ...options }: ActingOptions & { deleteContent?: boolean }) =>
      actAndTell(id, { action: 'cancel', deleteContent }, options),
    );
}
