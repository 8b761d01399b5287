import { dayMs } from './time.ts';

/** The words of backups, and which of them are kept. No zod here: workflow code imports this file. */

/** `good` only once everything of it lies whole in the backup storage. */
export type BackupState = 'running' | 'good' | 'failed';

/** The parts of a backup, in the order in which they are made. */
export type BackupStage = 'objects' | 'database' | 'new_objects' | 'done';

/** `damaged`: the backup is not what it was. `failed`: it could not be found out. */
export type RehearsalState = 'running' | 'passed' | 'damaged' | 'failed';

/** How many rows each table has, by its name. */
export type RowCounts = Readonly<Record<string, number>>;

/**
 * What no backup holds, by the beginning of its key: what is made again by itself or on demand, and lives for days. An
 * archive of an account in a backup would outlive the account.
 */
export const notBackedUp = ['trainings/', 'exports/'] as const;

interface Taken {
  id: string;
  takenAt: Date;
}

const kept = { days: 7, weeks: 4, months: 12 };

/**
 * Which backups are kept: the newest of each of the last 7 days, 4 weeks (from Monday) and 12 months that have one, by
 * UTC, and everything of the 24 hours before the newest, so that one made in haste never displaces the one before it.
 * Days without a backup do not count, so an outage removes nothing.
 */
export function keptBackups(backups: readonly Taken[]): Set<string> {
  const newestFirst = backups.toSorted((a, b) => b.takenAt.getTime() - a.takenAt.getTime());
  const newestAtMs = newestFirst[0]?.takenAt.getTime() ?? 0;
  return new Set([
    ...newestFirst.filter(({ takenAt }) => newestAtMs - takenAt.getTime() < dayMs).map(({ id }) => id),
    ...newestOfEach(newestFirst, kept.days, dayOf),
    ...newestOfEach(newestFirst, kept.weeks, mondayOf),
    ...newestOfEach(newestFirst, kept.months, (time) => time.toISOString().slice(0, 7)),
  ]);
}

/** The newest backup of each of the last `count` periods that have one. */
function newestOfEach(newestFirst: readonly Taken[], count: number, periodOf: (time: Date) => string): string[] {
  const byPeriod = Map.groupBy(newestFirst, ({ takenAt }) => periodOf(takenAt));
  return [...byPeriod.values()].slice(0, count).flatMap(([newest]) => (newest === undefined ? [] : [newest.id]));
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function mondayOf(time: Date): string {
  const sinceMonday = (time.getUTCDay() + 6) % 7;
  return dayOf(new Date(time.getTime() - sinceMonday * dayMs));
}
