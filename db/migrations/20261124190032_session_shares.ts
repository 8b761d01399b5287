import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Links by which a session is read. */
export class SessionShares extends Migration {
  override name = '20261124190032_session_shares';

  override up(): void {
    this.addSql(`
      create table session_shares (
        id uuid primary key,
        session_id uuid not null,
        token_hash varchar(64) not null constraint session_shares_token unique,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`);
    this.addSql(`create index session_shares_session on session_shares (session_id, created_at)`);
    this.addSql(`alter table session_shares enable row level security`);
    this.addSql(`
      create policy session_shares_owner on session_shares to ${gatewayRole}
      using (session_id in (select sessions.id from sessions))
      with check (session_id in (select sessions.id from sessions))`);
    this.addSql(`grant select, insert, delete on session_shares to ${gatewayRole}`);
  }
}
