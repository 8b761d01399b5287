import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** What turned out to be true of a session, and what the session scored by it. */
export class Outcomes extends Migration {
  override name = '20261124161500_outcomes';

  override up(): void {
    this.addSql(`
      create table outcomes (
        session_id uuid primary key constraint outcomes_session_id_foreign references sessions (id),
        outcome jsonb not null,
        scorecard jsonb not null,
        known_at timestamptz not null,
        recorded_at timestamptz not null default now(),
        recorded_by uuid not null
      )`);
    this.addSql(`alter table outcomes enable row level security`);
    this.addSql(`
      create policy outcomes_owner on outcomes to ${gatewayRole}
      using (session_id in (select sessions.id from sessions))
      with check (session_id in (select sessions.id from sessions))`);
    // What is recorded stays: the gateway may neither change nor delete it.
    this.addSql(`grant select, insert on outcomes to ${gatewayRole}`);
  }
}
