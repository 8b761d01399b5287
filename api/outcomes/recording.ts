import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { recordOutcome, type OutcomeRecord } from '../../db/outcomes.ts';
import type { SessionRow } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SessionContent } from '../../domain/content.ts';
import { outcomeSchemas, problemsOf, type KnownOutcome } from '../../domain/outcomes.ts';
import { betterScores, namesIn, scoreSession } from '../../domain/scoring.ts';
import { ObjectMissingError } from '../../integrations/objectStore.ts';
import type { Caller } from '../auth/caller.ts';
import { resultsSchema } from '../sessions/schemas.ts';
import type { SessionReader } from '../sessions/reading.ts';
import type { NewOutcomeRequest, OutcomeView } from './schemas.ts';

interface RecordingDeps {
  database: Database;
  reader: SessionReader;
}

/**
 * Holds an outcome against its session, scores the session by it, and stores both. The same outcome again changes
 * nothing and answers what is stored.
 *
 * @throws ApiError `not_found`, `results_not_ready`, `session_ended` (before its analysis), `validation_failed`,
 *   `outcome_recorded`
 */
export async function recordSessionOutcome(
  { database, reader }: RecordingDeps,
  caller: Caller,
  id: string,
  { outcome, knownAt }: NewOutcomeRequest,
): Promise<OutcomeView> {
  const row = await reader.find(caller, id);
  const { results } = (await reader.results(caller, id)).view.opened(resultsSchema);
  if (results.length === 0) throw new ApiError('session_ended');
  const known = knownOutcome(await contentOf(reader, row), outcome);
  const problems = problemsOf(known, namesIn(results));
  if (problems.length > 0) {
    const details = problems.map(({ path, message }) => ({ path: `outcome.${path}`, message }));
    throw new ApiError('validation_failed', details);
  }
  const stored = await recordOutcome(database.asUser(caller.userId), {
    sessionId: id,
    outcome: known.outcome,
    scorecard: scoreSession(known, results),
    knownAt: knownAt ?? new Date().toISOString(),
    recordedBy: caller.userId,
  });
  if (stored === null) throw new ApiError('not_found');
  if (!stored.same) throw new ApiError('outcome_recorded');
  return toOutcomeView(id, stored);
}

/** A session that is erased between the two reads is one that is not there. */
async function contentOf(reader: SessionReader, row: SessionRow): Promise<SessionContent> {
  try {
    return await reader.contentOf(row);
  } catch (error) {
    if (error instanceof ObjectMissingError) throw new ApiError('not_found', [], { cause: error });
    throw error;
  }
}

/** @throws z.ZodError when the outcome is not one of the session's type */
function knownOutcome(content: SessionContent, given: unknown): KnownOutcome {
  const read = <T>(schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    // Where the body has it, so that the client reads the path inside the body.
    throw new z.ZodError(parsed.error.issues.map((issue) => ({ ...issue, path: ['body', 'outcome', ...issue.path] })));
  };
  switch (content.sessionType) {
    case 'remote_viewing':
      return { sessionType: content.sessionType, content, outcome: read(outcomeSchemas.remote_viewing) };
    case 'dowsing':
      return { sessionType: content.sessionType, content, outcome: read(outcomeSchemas.dowsing) };
    case 'precognition':
      return { sessionType: content.sessionType, content, outcome: read(outcomeSchemas.precognition) };
    case 'intuitive_analysis':
      return { sessionType: content.sessionType, content, outcome: read(outcomeSchemas.intuitive_analysis) };
  }
}

/** A recorded outcome as the API answers it: each score says which direction is better. */
export function toOutcomeView(sessionId: string, record: OutcomeRecord): OutcomeView {
  const { outcome, scorecard, knownAt, recordedAt, recordedBy } = record;
  return {
    sessionId,
    outcome,
    knownAt,
    recordedAt,
    recordedBy,
    scores: scorecard.scores.map((score) => ({ ...score, better: betterScores[score.name] })),
    trial: scorecard.trial,
  };
}
