import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Passkeys, which let their owners in without a password. */
export class Passkeys extends Migration {
  override name = '20261124190016_passkeys';

  override up(): void {
    this.addSql(`
      create table passkeys (
        id uuid primary key,
        user_id uuid not null constraint passkeys_user_id_foreign references users (id) on delete cascade,
        credential_id varchar(1364) not null constraint passkeys_credential_id_key unique,
        public_key text not null,
        counter bigint not null,
        transports jsonb not null,
        backed_up boolean not null,
        label varchar(100) not null,
        created_at timestamptz not null default now(),
        last_used_at timestamptz
      )`);
    this.addSql(`create index passkeys_user on passkeys (user_id)`);
    this.addSql(`alter table passkeys enable row level security`);
    this.addSql(`
      create policy passkeys_owner on passkeys to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    // What follows from a log-in is the service's to write.
    this.addSql(`grant select, insert, delete on passkeys to ${gatewayRole}`);
    this.addSql(`grant update (label) on passkeys to ${gatewayRole}`);
  }
}
