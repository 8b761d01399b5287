import { Migration } from '@mikro-orm/migrations';

/** What operators have done to many sessions at once. The gateway's role sees none of it. */
export class BulkActions extends Migration {
  override name = '20261129000500_bulk_actions';

  override up(): void {
    this.addSql(`
      create table bulk_actions (
        id uuid primary key,
        act jsonb not null,
        filters jsonb not null,
        reason text not null,
        per_second int not null,
        state varchar(20) not null default 'running',
        started_at timestamptz not null default now(),
        ended_at timestamptz null,
        by_user uuid null,
        by_command varchar(200) null
      )`);
    this.addSql(`create index bulk_actions_newest on bulk_actions (started_at, id)`);
    this.addSql(`alter table bulk_actions enable row level security`);
    this.addSql(`
      create table bulk_action_sessions (
        bulk_id uuid not null
          constraint bulk_action_sessions_bulk_id_foreign references bulk_actions (id) on delete cascade,
        session_id uuid not null,
        begun_at timestamptz null,
        primary key (bulk_id, session_id)
      )`);
    this.addSql(`alter table bulk_action_sessions enable row level security`);
  }
}
