import { Migration } from '@mikro-orm/migrations';

/** What operators did. The gateway's role sees none of it. */
export class AuditEntries extends Migration {
  override name = '20261129000010_audit_entries';

  override up(): void {
    this.addSql(`
      create table audit_entries (
        id uuid primary key,
        at timestamptz not null default now(),
        action varchar(50) not null,
        outcome varchar(20) not null,
        session_id uuid null,
        by_user uuid null,
        by_command varchar(200) null,
        reason text null,
        details jsonb null,
        bulk_id uuid null,
        constraint audit_entries_once_in_bulk unique (bulk_id, session_id)
      )`);
    this.addSql(`create index audit_entries_session on audit_entries (session_id, at)`);
    this.addSql(`create index audit_entries_newest on audit_entries (at, id)`);
    this.addSql(`alter table audit_entries enable row level security`);
  }
}
