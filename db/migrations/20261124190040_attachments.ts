import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Files that people add to their sessions. */
export class Attachments extends Migration {
  override name = '20261124190040_attachments';

  override up(): void {
    this.addSql(`
      create table attachments (
        id uuid primary key,
        session_id uuid not null,
        user_id uuid not null,
        file_name varchar(255) not null,
        media_type varchar(50) not null,
        size_bytes int not null,
        sha256 varchar(64) not null,
        upload_id varchar(1024),
        status varchar(20) not null default 'uploading',
        rejection varchar(50),
        stored_bytes int,
        stored_sha256 varchar(64),
        created_at timestamptz not null default now(),
        ended_at timestamptz
      )`);
    this.addSql(`create index attachments_session on attachments (session_id, created_at, id)`);
    this.addSql(`create index attachments_user on attachments (user_id)`);
    this.addSql(`alter table attachments enable row level security`);
    this.addSql(`
      create policy attachments_owner on attachments to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    // What a file turned out to be is for the workers to say; the gateway only says that all of it was sent.
    this.addSql(`grant select, insert, update (status) on attachments to ${gatewayRole}`);
  }
}
