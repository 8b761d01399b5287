import { randomUUID } from 'node:crypto';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { BackupStage, BackupState, RehearsalState } from '../domain/backups.ts';
import { timestamp } from './rowSecurity.ts';

/**
 * What became of each backup, for whoever watches. The backup itself does not need its row: what lies in the backup
 * storage is what can be restored.
 */
export const Backup = defineEntity({
  name: 'Backup',
  tableName: 'backups',
  indexes: [{ name: 'backups_started', properties: ['startedAt'] }],
  properties: {
    id: p.uuid().primary(),
    state: p.string().$type<BackupState>().length(20).default('running'),
    stage: p.string().$type<BackupStage>().length(20).default('objects'),
    startedAt: timestamp().defaultRaw('now()'),
    /** What was committed before is in it; null before the database is dumped. */
    takenAt: timestamp().nullable(),
    endedAt: timestamp().nullable(),
    /** All that belong to it, and how many of them no backup before had. */
    objects: p.integer().default(0),
    objectBytes: p.bigint('number').defaultRaw('0'),
    newObjects: p.integer().default(0),
    newBytes: p.bigint('number').defaultRaw('0'),
    /** Of the dump. */
    databaseBytes: p.bigint('number').defaultRaw('0'),
    /** Which part failed; the worker's log tells why. */
    failure: p.string().length(200).nullable(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type Backup = InferEntity<typeof Backup>;

/** The rehearsals of restoring the newest backup. */
export const Rehearsal = defineEntity({
  name: 'Rehearsal',
  tableName: 'rehearsals',
  indexes: [{ name: 'rehearsals_started', properties: ['startedAt'] }],
  properties: {
    id: p.uuid().primary(),
    /** Null where there was none. */
    backupId: p.uuid().nullable(),
    state: p.string().$type<RehearsalState>().length(20).default('running'),
    startedAt: timestamp().defaultRaw('now()'),
    endedAt: timestamp().nullable(),
    tableRows: p.bigint('number').defaultRaw('0'),
    objects: p.integer().default(0),
    /** How many were read back whole. */
    sessions: p.integer().default(0),
    /** What was found wrong, in words that name no content. */
    failure: p.string().length(200).nullable(),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type Rehearsal = InferEntity<typeof Rehearsal>;

/** Answers the id of the new row; a backup begins with the objects. */
export async function insertBackup(em: EntityManager): Promise<string> {
  const id = randomUUID();
  await em.insert(Backup, { id, state: 'running', stage: 'objects', startedAt: new Date() });
  return id;
}

/** Backups that were given up, by the end of their workflow, run no more. */
export async function failRunningBackups(em: EntityManager): Promise<void> {
  await em.nativeUpdate(
    Backup,
    { state: 'running' },
    { state: 'failed', failure: 'It was given up.', endedAt: new Date() },
  );
}

export type BackupChanges = Partial<Omit<Backup, 'id' | 'startedAt'>>;

/** Changes the row, where it is there: it may have been restored away meanwhile. */
export async function updateBackup(em: EntityManager, id: string, changes: BackupChanges): Promise<void> {
  await em.nativeUpdate(Backup, { id }, changes);
}

/** Backups, the newest first. */
export async function listBackups(em: EntityManager, limit: number): Promise<Backup[]> {
  return em.find(Backup, {}, { orderBy: { startedAt: 'desc' }, limit });
}

/** How backups stand. */
export interface BackupsState {
  /** The newest good one. */
  newest: Backup | null;
  /** How many failed since. */
  failures: number;
  running: boolean;
  /** The newest rehearsal that has ended. */
  rehearsed: Rehearsal | null;
  lastPassedAt: Date | null;
}

/** What the alerts go by. */
export async function readBackupState(em: EntityManager): Promise<BackupsState> {
  const [newest = null] = await em.find(Backup, { state: 'good' }, { orderBy: { takenAt: 'desc' }, limit: 1 });
  const [rehearsed = null] = await listRehearsals(em, 1);
  const [passed] = await em.find(Rehearsal, { state: 'passed' }, { orderBy: { startedAt: 'desc' }, limit: 1 });
  return {
    newest,
    failures: await em.count(Backup, {
      state: 'failed',
      ...(newest === null ? {} : { startedAt: { $gt: newest.startedAt } }),
    }),
    running: (await em.count(Backup, { state: 'running' })) > 0,
    rehearsed,
    lastPassedAt: passed?.startedAt ?? null,
  };
}

/** Says of a backup that it is good, in a database that was restored from it and holds it as one that runs. */
export async function recordGoodBackup(
  em: EntityManager,
  { id, takenAt, ...facts }: { id: string; takenAt: Date } & Pick<Backup, 'objects' | 'objectBytes' | 'databaseBytes'>,
): Promise<void> {
  const row = { id, takenAt, ...facts, state: 'good', stage: 'done', startedAt: takenAt, endedAt: takenAt } as const;
  await em.upsert(Backup, row, { onConflictExcludeFields: ['startedAt', 'endedAt'] });
}

/** Records that of these backups nothing is kept any more: the rows go with them. */
export async function deleteBackups(em: EntityManager, ids: readonly string[]): Promise<void> {
  await em.nativeDelete(Backup, { id: { $in: [...ids] } });
}

/** Answers the id of the new row; the backup is null where there is none to rehearse. */
export async function insertRehearsal(em: EntityManager, backupId: string | null): Promise<string> {
  const id = randomUUID();
  await em.insert(Rehearsal, { id, backupId, state: 'running', startedAt: new Date() });
  return id;
}

/** What is not named stays as it is. */
export async function updateRehearsal(
  em: EntityManager,
  id: string,
  changes: Partial<Omit<Rehearsal, 'id' | 'startedAt'>>,
): Promise<void> {
  await em.nativeUpdate(Rehearsal, { id }, changes);
}

/** Rehearsals that have ended, the newest first. */
export async function listRehearsals(em: EntityManager, limit: number): Promise<Rehearsal[]> {
  return em.find(Rehearsal, { state: { $ne: 'running' } }, { orderBy: { startedAt: 'desc' }, limit });
}
