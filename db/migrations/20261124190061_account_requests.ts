import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Exports and erasures of accounts. */
export class AccountRequests extends Migration {
  override name = '20261124190061_account_requests';

  override up(): void {
    this.addSql(`
      create table account_erasures (
        id uuid primary key,
        user_id uuid constraint account_erasures_user unique,
        requested_at timestamptz not null default now(),
        completed_at timestamptz,
        erased_rows jsonb not null default '{}'
      )`);
    this.addSql(`alter table account_erasures enable row level security`);
    this.addSql(`
      create table account_exports (
        id uuid primary key,
        user_id uuid not null,
        state varchar(20) not null default 'running',
        sessions_done int not null default 0,
        sessions int,
        bytes bigint,
        created_at timestamptz not null default now(),
        ready_at timestamptz,
        expires_at timestamptz
      )`);
    this.addSql(`create index account_exports_user on account_exports (user_id, created_at)`);
    this.addSql(`
      create unique index account_exports_one_running on account_exports (user_id)
      where (state)::text = 'running'::text`);
    this.addSql(`alter table account_exports enable row level security`);
    this.addSql(`
      create policy account_exports_owner on account_exports to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    this.addSql(`grant select on account_exports to ${gatewayRole}`);
    this.addSql(`grant insert (id, user_id) on account_exports to ${gatewayRole}`);
  }
}
