import { setTimeout as pause } from 'node:timers/promises';
import { Argument, Option, type Command } from 'commander';
import { readBulkProgress, type BulkProgress } from '../../db/bulkActions.ts';
import type { OperatorsFilters, OperatorsRow } from '../../db/stuckSessions.ts';
import { resetSteps, sessionActions, type Act, type ResetStep, type SessionAction } from '../../domain/operations.ts';
import { openStatuses, sessionTypes, stuckCodes, type SessionType, type StuckCode } from '../../domain/session.ts';
import { stuckReasons, type StuckReason } from '../../domain/stuck.ts';
import { tiers, type Tier } from '../../domain/tiers.ts';
import { secondMs } from '../../domain/time.ts';
import { previewBulk, startBulk, stopBulk } from '../../operations/bulk.ts';
import { refusing } from './acting.ts';
import { answer, RefusedError, type Operations } from './command.ts';

interface RunOptions {
  reason: string;
  json?: boolean;
  step?: ResetStep;
  deleteContent?: boolean;
  stuck?: true;
  stuckReason?: StuckReason[];
  code?: StuckCode[];
  status?: (typeof openStatuses)[number][];
  type?: SessionType[];
  tier?: Tier[];
  user?: string;
  id?: string[];
  atMost?: string;
  perSecond: string;
}

/** `bulk`: one thing done to many sessions. */
export function bulkCommand(program: Command): void {
  const bulk = program.command('bulk').description('do one thing to many sessions');
  const someOf = (flags: string, description: string, choices: readonly string[]) =>
    new Option(flags, description).choices(choices);

  bulk
    .command('run')
    .description('without --at-most it only says how many sessions are meant, and which')
    .addArgument(new Argument('<action>', 'what is done to each').choices(sessionActions))
    .option('--stuck', 'sessions that are stuck')
    .addOption(someOf('--stuck-reason <reasons...>', 'why they are stuck', stuckReasons))
    .addOption(someOf('--code <codes...>', 'why their step gave up', stuckCodes))
    .addOption(someOf('--status <statuses...>', 'where they are', openStatuses))
    .addOption(someOf('--type <types...>', 'of these types', sessionTypes))
    .addOption(someOf('--tier <tiers...>', 'of people of these tiers', tiers))
    .option('--user <id>', 'of one person')
    .option('--id <ids...>', 'these sessions')
    .addOption(someOf('--step <step>', 'of reset: where they go on', resetSteps))
    .option('--delete-content', 'of cancel: delete what was recorded, too')
    .option('--at-most <n>', 'does it, unless more sessions than that are meant')
    .option('--per-second <n>', 'the most sessions a second', '10')
    .requiredOption('--reason <words>', 'why, for the audit')
    .option('--json', 'for a program to read')
    .action((action: SessionAction, options: RunOptions) =>
      answer(options, (operations) => run(operations, action, options)),
    );

  bulk
    .command('status <id>')
    .description('how far it is')
    .option('--json', 'for a program to read')
    .action((id: string, options: { json?: boolean }) =>
      answer(options, async ({ resources }) => toldOf(await progressOf(resources, id))),
    );

  bulk
    .command('stop <id>')
    .description('nothing more is done; what was done stays done')
    .option('--json', 'for a program to read')
    .action((id: string, options: { json?: boolean }) =>
      answer(options, async ({ resources: { database }, workflows }) =>
        toldOf(await refusing(() => stopBulk({ database, workflows }, id))),
      ),
    );
}

async function run({ resources, workflows, by }: Operations, action: SessionAction, options: RunOptions) {
  const deps = { database: resources.database, workflows };
  const [act, filters] = [actOf(action, options), filtersOf(options)];
  if (options.atMost === undefined) {
    const found = await previewBulk(deps, filters, 100);
    return { json: found, text: previewText(action, found) };
  }
  const request = { act, filters, by, reason: options.reason };
  const [atMost, perSecond] = [numberOf(options.atMost), numberOf(options.perSecond)];
  const { id } = await refusing(() => startBulk(deps, { ...request, atMost, perSecond }));
  return toldOf(await follow(resources, id));
}

function actOf(action: SessionAction, { step, deleteContent = false }: RunOptions): Act {
  switch (action) {
    case 'reset':
      if (step === undefined) throw new RefusedError('reset needs --step.');
      return { action, step };
    case 'cancel':
      return { action, deleteContent };
    case 'retry':
    case 'pause':
    case 'resume':
    case 'skip':
      return { action };
  }
}

function filtersOf({ stuck, stuckReason, code, status, type, tier, user, id }: RunOptions): OperatorsFilters {
  const filters: OperatorsFilters = {
    stuck,
    reasons: stuckReason,
    codes: code,
    statuses: status,
    sessionTypes: type,
    tiers: tier,
    userId: user,
    ids: id,
  };
  if (Object.values(filters).every((filter) => filter === undefined)) {
    throw new RefusedError(
      'Say which sessions: at least one of --stuck, --stuck-reason, --code, --status, --type, --tier, --user, --id.',
    );
  }
  return filters;
}

function numberOf(given: string): number {
  if (!/^\d{1,7}$/.test(given)) throw new RefusedError(`"${given}" is no number.`);
  return Number(given);
}

/** Shows how far it is until it has ended. Whoever ends the command before does not end the work. */
async function follow(resources: Operations['resources'], id: string): Promise<BulkProgress> {
  for (;;) {
    const progress = await progressOf(resources, id);
    process.stderr.write(`\r${lineOf(progress)}  (npx mindpeeker ops bulk stop ${id}) `);
    if (progress.state !== 'running') {
      process.stderr.write('\n');
      return progress;
    }
    await pause(secondMs);
  }
}

async function progressOf({ database }: Operations['resources'], id: string): Promise<BulkProgress> {
  const progress = await readBulkProgress(database.asService(), id);
  if (progress === null) throw new RefusedError('There is no such action in bulk.');
  return progress;
}

function toldOf(progress: BulkProgress) {
  return { json: progress, text: `${progress.act.action} ${progress.id} is ${progress.state}: ${lineOf(progress)}` };
}

function lineOf({ sessions, done, refused, failed }: BulkProgress): string {
  return `${done + refused + failed} of ${sessions}: ${done} done, ${refused} refused, ${failed} failed`;
}

function previewText(action: SessionAction, { count, sessions }: { count: number; sessions: OperatorsRow[] }): string {
  const lines = sessions.map(
    ({ id, sessionType, tier, status, stuck }) =>
      `  ${id}  ${sessionType.padEnd(18)} ${tier.padEnd(12)} ${status.padEnd(10)} ${stuck?.reason ?? ''}`,
  );
  const more = count > sessions.length ? [`  and ${count - sessions.length} more`] : [];
  return [`${action} is meant for ${count} sessions:`, ...lines, ...more, `--at-most ${count} does it.`].join('\n');
}
