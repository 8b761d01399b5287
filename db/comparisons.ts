import type { EntityManager } from '@mikro-orm/postgresql';
import type { ResultType } from '../domain/results.ts';
import type { SessionType } from '../domain/session.ts';
import { ModelComparison } from './entities.ts';

/** What two versions said of one session, in one kind of result. */
export interface Comparison {
  resultType: ResultType;
  agreed: boolean;
  /** How far the shadow's confidence lay from the other's, 0 to 1. */
  confidenceDifference: number;
}

/** Adds a session on which a shadow was compared with the version that answered. */
export async function addComparisons(
  em: EntityManager,
  { name, version, shadowVersion }: { name: SessionType; version: string; shadowVersion: string },
  comparisons: readonly Comparison[],
): Promise<void> {
  await em.execute(
    `insert into model_comparisons as sum
       (name, version, shadow_version, result_type, sessions, agreed, confidence_difference)
     select :name, :version, :shadowVersion, c.type, 1, c.agreed::int, c.difference
     from jsonb_to_recordset(:comparisons::jsonb) as c (type text, agreed boolean, difference double precision)
     on conflict (name, version, shadow_version, result_type) do update
       set sessions = sum.sessions + 1, agreed = sum.agreed + excluded.agreed,
           confidence_difference = sum.confidence_difference + excluded.confidence_difference, updated_at = now()`,
    {
      name,
      version,
      shadowVersion,
      comparisons: JSON.stringify(
        comparisons.map(({ resultType, agreed, confidenceDifference }) => ({
          type: resultType,
          agreed,
          difference: confidenceDifference,
        })),
      ),
    },
  );
}

/** How a shadow has compared so far with each version that answered, by kind of result. */
export async function listComparisons(
  em: EntityManager,
  name: SessionType,
  shadowVersion: string,
): Promise<ModelComparison[]> {
  return em.find(ModelComparison, { name, shadowVersion }, { orderBy: { version: 'desc', resultType: 'asc' } });
}
