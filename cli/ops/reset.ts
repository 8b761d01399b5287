import { Option, type Command } from 'commander';
import { resetSteps, type ResetStep } from '../../domain/operations.ts';
import { actAndTell, type ActingOptions } from './acting.ts';

/** `reset`: a session goes on from a step, by what is stored of it. */
export function resetCommand(program: Command): void {
  program
    .command('reset <id>')
    .description('have a session go on from a step, by what is stored of it; its history is not read')
    .addOption(new Option('--step <step>', 'where it goes on').choices(resetSteps).makeOptionMandatory())
    .requiredOption('--reason <words>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((id: string, { step, ...options }: ActingOptions & { step: ResetStep }) =>
      actAndTell(id, { action: 'reset', step }, options),
    );
}
