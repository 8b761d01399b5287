import { Migration } from '@mikro-orm/migrations';

/** The second factor of accounts; neither table is the gateway's role for users to read. */
export class Totp extends Migration {
  override name = '20261124190015_totp';

  override up(): void {
    this.addSql(`
      create table totp_secrets (
        user_id uuid primary key constraint totp_secrets_user_id_foreign references users (id) on delete cascade,
        secret bytea not null,
        confirmed_at timestamptz,
        last_step bigint,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table recovery_codes (
        user_id uuid not null
          constraint recovery_codes_user_id_foreign references totp_secrets (user_id) on delete cascade,
        code_hash varchar(64) not null,
        primary key (user_id, code_hash)
      )`);
    this.addSql(`alter table totp_secrets enable row level security`);
    this.addSql(`alter table recovery_codes enable row level security`);
  }
}
