import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** What the owners of accounts have yet to be told by mail. */
export class AccountNotices extends Migration {
  override name = '20261129010300_account_notices';

  override up(): void {
    this.addSql(`
      create table account_notices (
        id uuid primary key,
        user_id uuid not null
          constraint account_notices_user_id_foreign references users (id) on delete cascade,
        kind varchar(30) not null,
        email varchar(255) not null,
        at timestamptz not null default now()
      )`);
    this.addSql(`create index account_notices_user on account_notices (user_id)`);
    this.addSql(`create index account_notices_at on account_notices (at)`);
    this.addSql(`alter table account_notices enable row level security`);
    this.addSql(`
      create policy account_notices_owner on account_notices to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    this.addSql(`grant insert (id, user_id, kind, email) on account_notices to ${gatewayRole}`);
  }
}
