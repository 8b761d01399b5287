import { Migration } from '@mikro-orm/migrations';

/** Backups and the rehearsals of their restore. The gateway's role sees none of it. */
export class Backups extends Migration {
  override name = '20261129000300_backups';

  override up(): void {
    this.addSql(`
      create table backups (
        id uuid primary key,
        state varchar(20) not null default 'running',
        stage varchar(20) not null default 'objects',
        started_at timestamptz not null default now(),
        taken_at timestamptz null,
        ended_at timestamptz null,
        objects int not null default 0,
        object_bytes bigint not null default 0,
        new_objects int not null default 0,
        new_bytes bigint not null default 0,
        database_bytes bigint not null default 0,
        failure varchar(200) null
      )`);
    this.addSql(`create index backups_started on backups (started_at)`);
    this.addSql(`alter table backups enable row level security`);
    this.addSql(`
      create table rehearsals (
        id uuid primary key,
        backup_id uuid null,
        state varchar(20) not null default 'running',
        started_at timestamptz not null default now(),
        ended_at timestamptz null,
        table_rows bigint not null default 0,
        objects int not null default 0,
        sessions int not null default 0,
        failure varchar(200) null
      )`);
    this.addSql(`create index rehearsals_started on rehearsals (started_at)`);
    this.addSql(`alter table rehearsals enable row level security`);
  }
}
