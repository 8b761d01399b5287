import type { Command } from 'commander';
import { DamagedBackupError } from '../../operations/restoring.ts';
import {
  chooseBackup,
  CannotRestoreError,
  planRestore,
  restorePlatform,
  type RestorePlan,
} from '../../operations/restore.ts';
import { takeUp } from '../../operations/takeUp.ts';
import { createRecovery } from '../../temporal/recovery.ts';
import { answer, progressOf, RefusedError, type Answer, type Operations } from './command.ts';

interface Options {
  at: string;
  yes?: boolean;
  takeUp?: boolean;
  json?: boolean;
}

/** `restore`: the platform as it was when a backup was taken. */
export function restoreCommand(program: Command): void {
  program
    .command('restore')
    .description('puts the platform back to a backup; without --yes it only says what that would replace')
    .requiredOption('--at <time>', '"latest", or an ISO 8601 time: the newest backup up to then')
    .option('--yes', 'does it, on the running platform: nothing is taken in meanwhile')
    .option('--take-up', 'only takes up again what was open, after a restore that was killed while it did')
    .option('--json', 'for a program to read')
    .action((options: Options) =>
      answer(options, async (operations) => {
        try {
          return await run(operations, options);
        } catch (error) {
          if (!(error instanceof CannotRestoreError) && !(error instanceof DamagedBackupError)) throw error;
          throw new RefusedError(`${error.message.replace(/\.$/, '')}. Nothing was changed.`, { cause: error });
        }
      }),
    );
}

async function run({ resources, connection, workflows, by }: Operations, options: Options): Promise<Answer> {
  const { at, yes = false } = options;
  const backup = await chooseBackup(resources.backups, timeOf(at));
  const recovery = createRecovery({ connection, namespace: resources.config.TEMPORAL_NAMESPACE });
  if (options.takeUp === true) {
    const { takenAt } = backup;
    const taken = await takeUp({ ...resources, workflows, recovery }, { takenAt, openedAt: new Date() });
    return { json: taken, text: takenUpText(taken) };
  }
  if (!yes) {
    const plan = await planRestore(resources, backup);
    return { json: plan, text: planText(plan) };
  }
  const startedAtMs = Date.now();
  const say = progressOf(options);
  const restored = await restorePlatform({ ...resources, recovery }, backup, { by, say });
  const shutSeconds = Math.round((Date.now() - startedAtMs) / 1_000);
  say('taking up what was open');
  const taken = await takeUp({ ...resources, workflows, recovery }, restored);
  const text = [
    `The platform is as it was at ${restored.takenAt.toISOString()}; it was shut for ${shutSeconds} s.`,
    `${restored.objects} objects belong to it, ${restored.removedObjects} that came after it were removed.`,
    takenUpText(taken),
    'Everybody has to log in again.',
    ...(restored.replaced === null ? [] : [`What was there before is the database ${restored.replaced}, shut.`]),
  ].join('\n');
  return { json: { ...restored, shutSeconds, ...taken }, text };
}

function takenUpText({ restarted, cancelled, erasedAgain }: Awaited<ReturnType<typeof takeUp>>): string {
  return `${restarted} open sessions go on, ${cancelled} that came after the backup were ended, ${erasedAgain} erasures were made again.`;
}

/** @throws RefusedError */
function timeOf(at: string): Date | 'latest' {
  if (at === 'latest') return at;
  const time = new Date(at);
  if (!/^\d{4}-\d\d-\d\dT/.test(at) || Number.isNaN(time.getTime())) {
    throw new RefusedError('--at takes "latest" or a time such as 2026-11-29T03:00:00Z.');
  }
  return time;
}

function planText({ backupId, takenAt, rows, objects }: RestorePlan): string {
  const width = Math.max(...rows.map(({ table }) => table.length));
  const changed = rows.filter(({ now, then }) => now !== then);
  return [
    `Backup ${backupId}, taken at ${takenAt}. Nothing was changed; --yes does it.`,
    '',
    `${'table'.padEnd(width)}  ${'now'.padStart(10)}  ${'then'.padStart(10)}`,
    ...changed.map(
      ({ table, now, then }) =>
        `${table.padEnd(width)}  ${String(now ?? 'none').padStart(10)}  ${String(then).padStart(10)}`,
    ),
    `${rows.length - changed.length} tables have as many rows as then.`,
    '',
    `objects: ${objects.same} as then, ${objects.missing} missing, ${objects.changed} changed, ` +
      `${objects.unknown} that are not in it and would be removed`,
  ].join('\n');
}
