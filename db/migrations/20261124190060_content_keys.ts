import { Migration } from '@mikro-orm/migrations';

/** Each person's key to what they recorded. No policy and no grant: the gateway's role sees none. */
export class ContentKeys extends Migration {
  override name = '20261124190060_content_keys';

  override up(): void {
    this.addSql(`
      create table content_keys (
        user_id uuid primary key,
        sealed_key bytea not null,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`alter table content_keys enable row level security`);
  }
}
