import type { Act, SessionAction } from '../../domain/operations.ts';
import { ApiError, errorTable } from '../../domain/errors.ts';
import { actOnSession, type Acted } from '../../operations/act.ts';
import { answer, RefusedError, sessionIdOf } from './command.ts';

/** What every command that acts on a session takes. */
export interface ActingOptions {
  reason: string;
  json?: boolean;
}

/** What the operator is told that was done, by what it took effect. */
const told: Record<Acted['means'], (acted: Acted & { action: SessionAction }) => string> = {
  signal: ({ step }) => `The session goes on with ${step ?? 'its step'}.`,
  attempt: ({ step }) => `The next attempt at ${step ?? 'its step'} begins now.`,
  pause: ({ action, step }) =>
    action === 'pause' ? `${step ?? 'Its step'} is paused.` : `${step ?? 'Its step'} goes on.`,
  restart: ({ action, step }) =>
    action === 'skip'
      ? 'notify was left out; the session goes on.'
      : `The session goes on from ${step ?? 'where it is'}.`,
  cancellation: () => 'The session is being cancelled; what Stripe may have taken is taken back.',
  erasure: () => 'The session is being cancelled, and what was recorded is being deleted.',
};

/** Does one thing to one session, and says what came of it. */
export function actAndTell(id: string, act: Act, { reason, ...options }: ActingOptions): Promise<void> {
  return answer(options, async ({ resources: { database }, workflows, by }) => {
    const sessionId = sessionIdOf(id);
    const acted = await refusing(() => actOnSession({ database, workflows }, { sessionId, act, reason, by }));
    const { action } = act;
    return { json: { sessionId, action, ...acted }, text: told[acted.means]({ ...acted, action }) };
  });
}

/** Says what was refused as the operator reads it. @throws RefusedError */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new RefusedError(`${error.message} ${errorTable[error.code].help}`, { cause: error });
  }
}
