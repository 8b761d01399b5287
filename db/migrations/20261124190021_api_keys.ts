import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** The API keys of accounts. */
export class ApiKeys extends Migration {
  override name = '20261124190021_api_keys';

  override up(): void {
    this.addSql(`
      create table api_keys (
        id uuid primary key,
        user_id uuid not null constraint api_keys_user_id_foreign references users (id) on delete cascade,
        name varchar(100) not null,
        key_hash varchar(64) not null constraint api_keys_key_hash_unique unique,
        prefix varchar(20) not null,
        permissions jsonb not null,
        expires_at timestamptz,
        last_used_at timestamptz,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`create index api_keys_user on api_keys (user_id, created_at)`);
    this.addSql(`alter table api_keys enable row level security`);
    this.addSql(`
      create policy api_keys_owner on api_keys to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    // The owner's requests can neither read a hash nor say when a key was used.
    this.addSql(`
      grant select (id, user_id, name, prefix, permissions, expires_at, last_used_at, created_at), insert,
        update (name, permissions, expires_at), delete
      on api_keys to ${gatewayRole}`);
  }
}
