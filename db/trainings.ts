import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionType } from '../domain/session.ts';
import type { TrainingBegun, TrainingState, TrainingWorkflowInput } from '../domain/trainings.ts';
import { Training } from './entities.ts';

/** Thrown when a training cannot be written down since another one of its model ended at that moment: try again. */
class TrainingRaceError extends Error {
  override readonly name = 'TrainingRaceError';
}

/**
 * Writes a training down, unless another one of its model is running; a training that was written down before stays
 * as it is.
 */
export async function beginTraining(
  em: EntityManager,
  { trainingId: id, model, sessions, seed, startedBy, fingerprint }: TrainingWorkflowInput,
): Promise<TrainingBegun> {
  await em.execute(
    `insert into trainings (id, model, sessions, seed, started_by, fingerprint)
     values (:id, :model, :sessions, :seed, :startedBy, :fingerprint)
     on conflict do nothing`,
    { id, model, sessions, seed, startedBy, fingerprint },
  );
  if ((await findTraining(em, id)) !== null) return { kind: 'started' };
  const running = await em.findOne(Training, { model, state: 'running' });
  if (running === null) throw new TrainingRaceError(`The training of ${model} could not be written down`);
  return { kind: 'already_running', trainingId: running.id };
}

/** Null when there is none of that id. */
export async function findTraining(em: EntityManager, id: string): Promise<Training | null> {
  return em.findOne(Training, { id });
}

/** The newest trainings first. */
export async function listTrainings(
  em: EntityManager,
  { model, state, limit }: { model?: SessionType | undefined; state?: TrainingState | undefined; limit: number },
): Promise<Training[]> {
  const where = { ...(model === undefined ? {} : { model }), ...(state === undefined ? {} : { state }) };
  return em.find(Training, where, { orderBy: { startedAt: 'desc', id: 'desc' }, limit });
}

/** Those of the trainings that there are. */
export async function findTrainings(em: EntityManager, ids: readonly string[]): Promise<Training[]> {
  return em.find(Training, { id: { $in: [...ids] } });
}

/** What a training writes down on its way. */
export type TrainingChanges = Partial<
  Pick<
    Training,
    | 'version'
    | 'sessions'
    | 'realSessions'
    | 'stage'
    | 'stageDone'
    | 'epoch'
    | 'epochs'
    | 'losses'
    | 'samplesPerSecond'
    | 'secondsLeft'
    | 'figures'
    | 'activeVersion'
    | 'activeFigures'
    | 'decision'
    | 'reason'
  >
>;

/** Writes down how a training goes; one that has ended stays as it is. */
export async function updateTraining(em: EntityManager, id: string, changes: TrainingChanges): Promise<void> {
  await em.nativeUpdate(Training, { id, state: 'running' }, { ...changes, updatedAt: new Date() });
}

/** Writes down how a training ended; the first end stays. */
export async function endTraining(
  em: EntityManager,
  { id, state, failure }: { id: string; state: Exclude<TrainingState, 'running'>; failure: string | null },
): Promise<void> {
  const now = new Date();
  const ended = { state, failure, samplesPerSecond: null, secondsLeft: null, updatedAt: now, endedAt: now };
  await em.nativeUpdate(Training, { id, state: 'running' }, ended);
}
