import { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { listBackups, listRehearsals, type Backup, type Rehearsal } from '../../db/backups.ts';
import type { Database } from '../../db/database.ts';
import type { BackupStage } from '../../domain/backups.ts';
import { secondMs } from '../../domain/time.ts';
import { ScheduleMissingError, triggerSchedule } from '../../temporal/schedules.ts';
import { answer, progressOf, RefusedError, type Answer, type Operations } from './command.ts';

interface Options {
  json?: boolean;
  now?: boolean;
  rehearse?: boolean;
}

/** `backup`: which backups there are, and one more now. */
export function backupCommand(program: Command): void {
  program
    .command('backup')
    .description('which backups can be restored, and how the last ones and their rehearsals went')
    .option('--now', 'makes one and waits for it')
    .option('--rehearse', 'restores the newest into a place of its own, looks whether it is whole, and waits for it')
    .option('--json', 'for a program to read')
    .action((options: Options) =>
      answer(options, async (operations) => {
        if (options.now === true) await make(operations, options);
        if (options.rehearse === true) await rehearse(operations, options);
        return list(operations);
      }),
    );
}

/** @throws RefusedError when it did not succeed */
async function make(operations: Operations, options: Options): Promise<void> {
  await runNow(operations, 'backup', options, async () => {
    const [newest] = await listBackups(operations.resources.database.asService(), 1);
    if (newest === undefined) return 'beginning';
    const stage: BackupStage = newest.stage;
    return `${stageWords[stage]}, ${newest.objects} objects so far`;
  });
}

const stageWords = {
  objects: 'copying the objects',
  database: 'dumping the database',
  new_objects: 'copying the objects that came meanwhile',
  done: 'clearing up',
} as const satisfies Record<BackupStage, string>;

/** @throws RefusedError when the backup is not whole, or it could not be found out */
async function rehearse(operations: Operations, options: Options): Promise<void> {
  await runNow(operations, 'rehearsal', options, () => Promise.resolve('restoring the newest backup elsewhere'));
  const [newest] = await listRehearsals(operations.resources.database.asService(), 1);
  if (newest?.state !== 'passed')
    throw new RefusedError(`The rehearsal did not pass: ${newest?.failure ?? 'it is lost'}.`);
}

async function runNow(
  { resources, connection }: Operations,
  what: 'backup' | 'rehearsal',
  options: Options,
  progress: () => Promise<string>,
): Promise<void> {
  const namespace = resources.config.TEMPORAL_NAMESPACE;
  const say = progressOf(options);
  try {
    const workflowId = await triggerSchedule(connection, namespace, what);
    const ended = new Client({ connection, namespace }).workflow.getHandle(workflowId).result();
    let said = '';
    const timer = setInterval(() => {
      void progress().then((line) => {
        if (line !== said) say(line);
        said = line;
      }, ignore);
    }, secondMs);
    await ended.finally(() => {
      clearInterval(timer);
    });
  } catch (error) {
    if (error instanceof ScheduleMissingError) throw new RefusedError(error.message);
    throw new RefusedError(`The ${what} failed; the log of the CPU worker says why.`, { cause: error });
  }
}

/** Progress that cannot be read is no reason to end. */
const ignore = (): void => undefined;

/** What can be restored is told by the backup storage alone: it is asked for most when the database is gone. */
async function list({ resources }: Operations): Promise<Answer> {
  const restorable = await resources.backups.list();
  const { made, rehearsals, isKnown } = await readRows(resources.database);
  const rows = new Map(made.map((row) => [row.id, row]));
  const backups = restorable.map(({ id, takenAt }) => ({ id, takenAt, ...factsOf(rows.get(id)) }));
  const notGood = made.filter(({ state }) => state !== 'good').slice(0, 5);
  const lines = [
    `${backups.length} backups can be restored:`,
    ...backups.map(({ id, takenAt, objects, databaseBytes }) =>
      [takenAt.toISOString(), id, megabytes(databaseBytes), `${objects ?? '?'} objects`].join('  '),
    ),
    ...notGood.map(({ startedAt, state, failure }) => `${startedAt.toISOString()}  ${state}  ${failure ?? ''}`),
    ...rehearsals.map(rehearsalLine),
    ...(isKnown ? [] : ['The database cannot be read, so how they were made and rehearsed is not known.']),
  ];
  return { json: { backups, notGood, rehearsals, isKnown }, text: lines.join('\n') };
}

async function readRows(database: Database) {
  const em = database.asService();
  try {
    return { made: await listBackups(em, 50), rehearsals: await listRehearsals(em, 5), isKnown: true };
  } catch {
    return { made: [], rehearsals: [], isKnown: false };
  }
}

function factsOf(row: Backup | undefined) {
  const { objects = null, objectBytes = null, newObjects = null, newBytes = null, databaseBytes = null } = row ?? {};
  return { objects, objectBytes, newObjects, newBytes, databaseBytes };
}

function rehearsalLine({ startedAt, state, failure, sessions }: Rehearsal): string {
  const what = state === 'passed' ? `${sessions} sessions read back whole` : (failure ?? '');
  return `${startedAt.toISOString()}  rehearsal ${state}  ${what}`;
}

function megabytes(bytes: number | null): string {
  return bytes === null ? '?' : `${(bytes / 1_000_000).toFixed(1)} MB of database`;
}
