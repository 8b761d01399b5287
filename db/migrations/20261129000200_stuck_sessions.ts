import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** What a search for stuck sessions found, and which attempts of steps failed. */
export class StuckSessions extends Migration {
  override name = '20261129000200_stuck_sessions';

  override up(): void {
    this.addSql(`
      create table stuck_sessions (
        session_id uuid primary key,
        user_id uuid not null,
        session_type varchar(50) not null,
        tier varchar(50) not null,
        reason varchar(30) not null,
        code varchar(30) null,
        step varchar(20) null,
        attempts int not null,
        since timestamptz not null default now()
      )`);
    this.addSql(`alter table stuck_sessions enable row level security`);
    this.addSql(`
      create table stuck_searches (
        id int primary key,
        finished_at timestamptz not null,
        sessions_looked_at int not null
      )`);
    this.addSql(`
      create table step_failures (
        id serial primary key,
        session_id uuid not null,
        step varchar(50) not null,
        attempt int not null,
        kind varchar(100) not null,
        worker varchar(200) not null,
        at timestamptz not null default now()
      )`);
    this.addSql(`create index step_failures_session on step_failures (session_id, at)`);
    this.addSql(`alter table step_failures enable row level security`);
    this.addSql(`
      create policy step_failures_owner on step_failures to ${gatewayRole}
      using (session_id in (select sessions.id from sessions))
      with check (session_id in (select sessions.id from sessions))`);
    this.addSql(`create index session_states_stuck on session_states (session_id) where stuck is not null`);
  }
}
