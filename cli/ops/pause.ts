import { type Command, InvalidArgumentError, Option } from 'commander';
import { sessionTypes, type SessionType } from '../../domain/session.ts';
import { queueNames, type QueueName } from '../../domain/taskQueues.ts';
import type { SessionAction } from '../../domain/operations.ts';
import { pauseQueue, resumeQueue, switchModel } from '../../operations/queues.ts';
import { actAndTell } from './acting.ts';
import { answer, RefusedError, type Answer, type Operations } from './command.ts';

interface Arguments {
  queue?: QueueName;
  model?: SessionType;
  reason: string;
  json?: boolean;
}

/** `pause`: has the step of a session, what a queue hands out, or what a model analyzes wait; nothing fails. */
export function pauseCommand(program: Command): void {
  switchOf(program, 'pause', 'has a session, a queue or a model wait; nothing fails')
    .requiredOption('--reason <words>', 'why, for the audit', notEmpty)
    .action((id: string | undefined, given: Arguments) => press(id, 'pause', given));
}

/** `resume`: lets what was paused go on. */
export function resumeCommand(program: Command): void {
  switchOf(program, 'resume', 'lets what was paused go on')
    .option('--reason <words>', 'why, for the audit', notEmpty, 'resumed')
    .action((id: string | undefined, given: Arguments) => press(id, 'resume', given));
}

function press(
  sessionId: string | undefined,
  action: Extract<SessionAction, 'pause' | 'resume'>,
  given: Arguments,
): Promise<void> {
  if (sessionId !== undefined && given.queue === undefined && given.model === undefined) {
    return actAndTell(sessionId, { action }, given);
  }
  return answer(given, (operations) => switchOver(operations, { ...given, sessionId, paused: action === 'pause' }));
}

function switchOf(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('[id]', 'a session, whose step it is about')
    .addOption(new Option('--queue <queue>', 'a queue').choices(queueNames))
    .addOption(new Option('--model <model>', 'a model').choices(sessionTypes))
    .option('--json', 'for a program to read');
}

async function switchOver(
  { resources, workflows, by }: Operations,
  { queue, model, reason, sessionId, paused }: Arguments & { sessionId: string | undefined; paused: boolean },
): Promise<Answer> {
  const deps = { ...resources, workflows };
  if (queue !== undefined && model === undefined && sessionId === undefined) {
    await (paused ? pauseQueue : resumeQueue)(deps, queue, { by, reason });
  } else if (model !== undefined && queue === undefined && sessionId === undefined) {
    await switchModel(deps, model, { by, reason, paused });
  } else {
    throw new RefusedError('Say what: the id of a session, --queue or --model.');
  }
  const what = queue ?? model ?? '';
  return { json: { [queue === undefined ? 'model' : 'queue']: what, paused }, text: inWords(what, paused) };
}

function inWords(what: string, paused: boolean): string {
  return paused ? `${what} is paused: what needs it waits, what is under way comes to its end.` : `${what} goes on.`;
}

function notEmpty(words: string): string {
  if (words.trim() === '') throw new InvalidArgumentError('It must say something.');
  return words;
}
