import type { EntityManager } from '@mikro-orm/postgresql';
import type { SessionType } from '../domain/session.ts';

/** What has to be there of a session for it to be whole. */
export interface SampledSession {
  id: string;
  sessionType: SessionType;
  contentKey: string;
  results: readonly unknown[];
  /** The kept files beside it. */
  files: readonly { attachmentId: string; sha256: string }[];
}

/** Some sessions, by chance. */
export async function sampleSessions(em: EntityManager, count: number): Promise<SampledSession[]> {
  return em.execute<SampledSession[]>(
    `select s.id, s.session_type as "sessionType", st.content_key as "contentKey",
       (select coalesce(jsonb_agg(jsonb_build_object(
           'resultType', r.result_type, 'confidenceScore', r.confidence_score, 'data', r.data)), '[]')
         from analysis_results r where r.session_id = s.id) as results,
       (select coalesce(jsonb_agg(jsonb_build_object('attachmentId', a.id, 'sha256', a.stored_sha256)), '[]')
         from attachments a where a.session_id = s.id and a.status = 'ready') as files
     from sessions s join session_states st on st.session_id = s.id
     where st.deleted_at is null
     order by random() limit :count`,
    { count },
  );
}
