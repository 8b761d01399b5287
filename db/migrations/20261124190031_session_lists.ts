import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** What lists of sessions are sorted by and searched with. */
export class SessionLists extends Migration {
  override name = '20261124190031_session_lists';

  override up(): void {
    this.addSql(`create extension if not exists btree_gin`);
    this.addSql(`
      create index sessions_user_completed on sessions (user_id, coalesce(completed_at, 'infinity'::timestamptz), id)`);
    this.addSql(`create index sessions_cue_search on sessions using gin (user_id, to_tsvector('simple', cue))`);
    // Under row-level security an index is not asked for what a query compares with @@, since that operator might tell
    // of rows that are hidden. The function looks through the caller's rows alone and answers their ids alone.
    this.addSql(`
      create function own_sessions_with_cue(words text) returns setof uuid
      language sql stable security definer set search_path = public, pg_temp as $$
        select id from sessions
        where user_id = nullif(current_setting('app.user_id', true), '')::uuid
          and to_tsvector('simple', cue) @@ websearch_to_tsquery('simple', words)
      $$`);
    this.addSql(`revoke all on function own_sessions_with_cue(text) from public`);
    this.addSql(`grant execute on function own_sessions_with_cue(text) to ${gatewayRole}`);
  }
}
