import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Requests that were sent with an Idempotency-Key, and what they were answered. */
export class IdempotencyKeys extends Migration {
  override name = '20261124190030_idempotency_keys';

  override up(): void {
    this.addSql(`
      create table idempotency_keys (
        user_id uuid not null,
        key_hash varchar(64) not null,
        fingerprint varchar(64) not null,
        claim uuid not null,
        claimed_until timestamptz not null,
        answer bytea,
        expires_at timestamptz not null,
        primary key (user_id, key_hash)
      )`);
    this.addSql(`create index idempotency_keys_expiry on idempotency_keys (expires_at)`);
    this.addSql(`alter table idempotency_keys enable row level security`);
    this.addSql(`
      create policy idempotency_keys_owner on idempotency_keys to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    this.addSql(`grant select, insert, update, delete on idempotency_keys to ${gatewayRole}`);
  }
}
