import { InvalidArgumentError, type Command } from 'commander';
import { ramp, rollBack, type Change } from '../../operations/versions.ts';
import { DeploymentRefusedError } from '../../temporal/deployments.ts';
import { answer, RefusedError, type Answer, type Operations } from './command.ts';
import { deploymentsOf } from './versions.ts';

interface ChangeOptions {
  reason?: string;
  json?: boolean;
}

/** `ramp` and `rollback`: which version of the workflow code new workflows begin with. */
export function rampCommand(program: Command): void {
  program
    .command('ramp')
    .description('gives a share of what is new to a version of the workflow code')
    .argument('<build>', 'its build id')
    .requiredOption('--percent <percent>', '1 to 100; 100 makes it the current version', percentOf)
    .option('--reason <reason>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((buildId: string, options: ChangeOptions & { percent: number }) =>
      answer(options, (operations) =>
        told(() => ramp(depsOf(operations), { buildId, percent: options.percent, ...reasonOf(options) })),
      ),
    );
  program
    .command('rollback')
    .description('ends a ramp, or gives what is new back to the version that was current before')
    .option('--reason <reason>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((options: ChangeOptions) =>
      answer(options, (operations) => told(() => rollBack(depsOf(operations), reasonOf(options)))),
    );
}

function depsOf(operations: Operations) {
  const { resources, by } = operations;
  return { deployments: deploymentsOf(operations), database: resources.database, by };
}

function reasonOf({ reason }: ChangeOptions): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function percentOf(text: string): number {
  const percent = Number(text);
  if (!(percent >= 1 && percent <= 100)) throw new InvalidArgumentError('It must be 1 to 100.');
  return percent;
}

async function told(make: () => Promise<Change>): Promise<Answer> {
  try {
    const change = await make();
    return { json: change, text: inWords(change) };
  } catch (error) {
    if (error instanceof DeploymentRefusedError) throw new RefusedError(error.message, { cause: error });
    throw error;
  }
}

function inWords({ current, ramping }: Change): string {
  const rest = current ?? 'workers without a build id';
  return ramping === null
    ? `Whatever is new begins on ${rest}.`
    : `${ramping.percent} % of what is new begins on ${ramping.buildId}, the rest on ${rest}.`;
}
