import type { Command } from 'commander';
import { createDeployments, type Deployment, type Version } from '../../temporal/deployments.ts';
import { answer, type Operations } from './command.ts';

/** `versions`: which versions of the workflow code there are, what new workflows begin with, and what may go. */
export function versionsCommand(program: Command): void {
  program
    .command('versions')
    .description('the versions of the workflow code that work side by side, and which of them may go')
    .option('--json', 'for a program to read')
    .action((options: { json?: boolean }) =>
      answer(options, async (operations) => {
        const deployment = await deploymentsOf(operations).describe();
        return { json: deployment, text: inWords(deployment) };
      }),
    );
}

/** The versions of the platform that a command works on. */
export function deploymentsOf({ connection, resources }: Operations) {
  return createDeployments(connection, resources.config.TEMPORAL_NAMESPACE);
}

function inWords({ versions, unversioned }: Deployment): string {
  const lines = versions.map((version) => line(version.buildId, wordsOf(version), version));
  return [...lines, line('without a build id', '', unversioned)].join('\n');
}

function line(
  name: string,
  words: string,
  { openWorkflows, workers, share }: Pick<Version, 'openWorkflows' | 'workers' | 'share'>,
): string {
  return [
    name.padEnd(24),
    `${String(share).padStart(3)} % of what is new`,
    `${String(openWorkflows).padStart(6)} open`,
    `${String(workers).padStart(3)} workers`,
    words,
  ]
    .join('  ')
    .trimEnd();
}

function wordsOf({ status, openWorkflows }: Version): string {
  switch (status) {
    case 'current':
      return 'current';
    case 'ramping':
      return 'ramping';
    case 'draining':
      return 'draining: its workers are still needed';
    case 'drained':
      // One that was moved here by hand after it had drained is counted, and not told by the server.
      return openWorkflows === 0 ? 'drained: safe to remove' : 'drained once, and needed again';
    case 'waiting':
      return 'waiting: it was never given anything';
  }
}
