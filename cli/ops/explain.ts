import type { Command } from 'commander';
import { explainSession, stateInWords, type Explanation } from '../../operations/explain.ts';
import { inPlainWords } from '../../operations/failureWords.ts';
import type { ObservedActivity } from '../../domain/stuck.ts';
import { webUiOf, webUiPage } from '../../temporal/webUi.ts';
import { answer, RefusedError, sessionIdOf } from './command.ts';
import { ageInWords } from './words.ts';

/** `explain`: where a session is, why, and what is safe to press. */
export function explainCommand(program: Command): void {
  program
    .command('explain')
    .description('where a session is, why, and what is safe to press')
    .argument('<id>', 'the session')
    .option('--json', 'for a program to read')
    .action((id: string, options: { json?: boolean }) =>
      answer(options, async ({ resources, workflows }) => {
        const explanation = await explainSession({ ...resources, workflows }, sessionIdOf(id));
        if (explanation === null) throw new RefusedError(`There is no session ${id}, or it was deleted.`);
        const webUi = webUiOf(resources.config);
        const page = webUi && explanation.run && webUiPage(webUi, explanation.run);
        return { json: { ...explanation, webUi: page }, text: textOf(explanation, page) };
      }),
    );
}

function textOf(explanation: Explanation, page: string | null): string {
  const { session, summary, suggestion, events, failedAttempts, bill, audit } = explanation;
  const { id, userId, tier, createdAt, stuck } = session;
  const sections: [string, string[]][] = [
    [
      summary,
      [
        `session ${id} of account ${userId} (${tier}), created ${createdAt}`,
        ...(stuck === null
          ? []
          : [`stuck for ${ageInWords(stuck.since)}${stuck.code === null ? '' : `: ${stuck.code}`}`]),
        `bill: ${bill ?? 'none yet'}`,
      ],
    ],
    ['What is safe to press', [`${suggestion.action.replaceAll('_', ' ')}: ${suggestion.why}`]],
    ['Right now', nowOf(explanation)],
    [
      'What happened',
      events.map(
        ({ seq, type, timestamp, data }) => `${timestamp}  ${String(seq).padStart(3)}  ${type} → ${data.status}`,
      ),
    ],
    [
      'Attempts that failed',
      failedAttempts.map(
        ({ at, step, attempt, meaning, kind, worker }) =>
          `${at}  ${step} attempt ${attempt}: ${meaning} (${kind}, on ${worker})`,
      ),
    ],
    [
      'What operators did',
      audit.map(
        ({ at, action, outcome, byUser, byCommand, reason }) =>
          `${at.toISOString()}  ${action} (${outcome}) by ${byUser ?? byCommand ?? 'the platform'}${reason === null ? '' : `: ${reason}`}`,
      ),
    ],
    ['In the Temporal Web UI', page === null ? [] : [page]],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}`).join('\n')}`)
    .join('\n\n');
}

function nowOf({ run, polledQueues, pausedQueues }: Explanation): string[] {
  if (run === null) return ['Temporal has no workflow of it any more.'];
  const { workflowTask: task, activities, status, workflowId, historyEvents } = run;
  const polled = (queue: string): string => {
    if (pausedQueues.includes(queue)) return ', which an operator paused';
    return polledQueues.includes(queue) ? '' : ', which nobody polls';
  };
  return [
    `workflow ${workflowId} is ${status.toLowerCase()}, with ${historyEvents} events`,
    ...activities.map((activity) => `${activityLine(activity)}${polled(activity.queue)}`),
    ...(task === null
      ? []
      : [
          `its own next step is due on ${task.queue}${polled(task.queue)}, attempt ${task.attempt}` +
            (task.failure === null ? '' : task.failure === 'other' ? ', and fails' : ', and does not fit its history'),
        ]),
  ];
}

function activityLine(activity: ObservedActivity): string {
  const { step, attempt, maximumAttempts, worker, failure, queue } = activity;
  const of = maximumAttempts === 0 ? '' : ` of ${maximumAttempts}`;
  const last = failure === null ? '' : `; the last one failed: ${inPlainWords(failure)} (${failure})`;
  const where = activity.state === 'waiting' ? '' : ` on ${queue}`;
  const by = worker === null || activity.state === 'waiting' ? '' : ` by ${worker}`;
  return `${step}: ${stateInWords(activity)}${where}${by}, attempt ${attempt}${of}${last}`;
}
