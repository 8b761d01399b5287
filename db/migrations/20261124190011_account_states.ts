import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Whether an account's e-mail is confirmed, and which one shall take its place. */
export class AccountStates extends Migration {
  override name = '20261124190011_account_states';

  override up(): void {
    this.addSql(`
      create table account_states (
        user_id uuid primary key constraint account_states_user_id_foreign references users (id) on delete cascade,
        email_confirmed_at timestamptz,
        pending_email varchar(255)
      )`);
    // Who was here before e-mails were confirmed goes on getting mail.
    this.addSql(`insert into account_states (user_id, email_confirmed_at) select id, now() from users`);
    this.addSql(`alter table account_states enable row level security`);
    this.addSql(`
      create policy account_states_owner on account_states to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    this.addSql(`grant select on account_states to ${gatewayRole}`);
  }
}
