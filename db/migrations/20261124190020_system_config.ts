import { Migration } from '@mikro-orm/migrations';

/** What operators changed of the platform's limits, version by version. */
export class SystemConfigs extends Migration {
  override name = '20261124190020_system_config';

  override up(): void {
    this.addSql(`
      create table system_config (
        version int primary key,
        changes jsonb not null,
        changed_at timestamptz not null default now(),
        changed_by uuid
      )`);
  }
}
