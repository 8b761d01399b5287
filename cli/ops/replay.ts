import { Client, type HistoryAndWorkflowId } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import { createDataConverter } from '../../temporal/codec.ts';
import { replayHistories, type ReplayOutcome } from '../../temporal/replay.ts';
import { bundleForReplay } from '../../workers/workflowBundle.ts';
import { sessionWorkflowId } from '../../workflows/session.ts';
import { answer, RefusedError, type Operations } from './command.ts';

interface ReplayArguments {
  query?: string;
  allOpen?: boolean;
  json?: boolean;
}

/** `replay`: whether the code of this checkout can take on workflows as they are. */
export function replayCommand(program: Command): void {
  program
    .command('replay')
    .description('whether the code of this checkout can take on the workflows that there are')
    .argument('[id]', 'of a session, or of any workflow')
    .option('--query <query>', 'all that the visibility query names, such as "StuckReason is not null"')
    .option('--all-open', 'all that run')
    .option('--json', 'for a program to read')
    .action((id: string | undefined, options: ReplayArguments) =>
      answer(options, async (operations) => {
        const histories = historiesOf(operations, id, options);
        // What the SDK logs of a divergence is in the answer, in plain words.
        Runtime.install({
          logger: new DefaultLogger('ERROR', () => undefined),
          telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
        });
        const wrong: ReplayOutcome[] = [];
        let replayed = 0;
        const replay = {
          workflowBundle: await bundleForReplay(),
          dataConverter: createDataConverter(operations.resources.config.TEMPORAL_PAYLOAD_KEYS),
        };
        for await (const outcome of replayHistories(replay, histories)) {
          replayed += 1;
          if (outcome.kind !== 'same') wrong.push(outcome);
          showProgress(replayed, wrong.length);
        }
        if (replayed === 0) throw new RefusedError('No workflow is like that, so nothing was replayed.');
        if (wrong.length > 0) process.exitCode = 1;
        return { json: { replayed, wrong }, text: [...wrong.map(inWords), summary(replayed, wrong)].join('\n\n') };
      }),
    );
}

/** @throws RefusedError unless exactly one of the ways to say which was used */
function historiesOf(
  { connection, resources }: Operations,
  id: string | undefined,
  { query, allOpen }: ReplayArguments,
): AsyncIterable<HistoryAndWorkflowId> {
  const { workflow } = new Client({ connection, namespace: resources.config.TEMPORAL_NAMESPACE });
  const queries = [
    ...(query === undefined ? [] : [query]),
    ...(allOpen ? ["ExecutionStatus = 'Running'"] : []),
    ...(id === undefined ? [] : [`WorkflowId = '${isUuid(id) ? sessionWorkflowId(id) : id}'`]),
  ];
  const [chosen, ...others] = queries;
  if (chosen === undefined || others.length > 0) {
    throw new RefusedError('Say which: an id, or --query, or --all-open.');
  }
  // A few are fetched ahead of the one that is replayed, and no more are held.
  return workflow.list({ query: chosen }).intoHistories({ concurrency: 4, bufferLimit: 8 });
}

function showProgress(replayed: number, wrong: number): void {
  const line = `${replayed} replayed, ${wrong} of them not as they happened`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
  else if (replayed % 1_000 === 0) process.stderr.write(`${line}\n`);
}

function inWords(outcome: ReplayOutcome): string {
  const title = `${outcome.workflowId} (${outcome.workflowType}, run ${outcome.runId})`;
  switch (outcome.kind) {
    case 'same':
      return `${title}\n  is replayed as it happened`;
    case 'broken':
      return `${title}\n  cannot be replayed: ${outcome.reason}`;
    case 'diverged': {
      const { eventId, found, expected } = outcome.divergence;
      return [
        title,
        `  parts from the code at event ${eventId ?? 'unknown'}`,
        `    the history has   ${found}`,
        `    the code does     ${expected}`,
      ].join('\n');
    }
  }
}

function summary(replayed: number, wrong: readonly ReplayOutcome[]): string {
  if (wrong.length === 0) return `${replayed} replayed; the code of this checkout can take on every one.`;
  return `${replayed} replayed; ${wrong.length} cannot be taken on by the code of this checkout.`;
}
