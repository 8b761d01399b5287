import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Log-ins become rows of their own, so that their owner can see and end them; refresh tokens belong to one. */
export class Logins extends Migration {
  override name = '20261124190010_logins';

  override up(): void {
    this.addSql(`
      create table logins (
        id uuid primary key,
        user_id uuid not null constraint logins_user_id_foreign references users (id) on delete cascade,
        agent varchar(100),
        created_at timestamptz not null,
        last_used_at timestamptz not null,
        ended_at timestamptz
      )`);
    this.addSql(`create index logins_user on logins (user_id, last_used_at)`);
    this.addSql(`create index logins_ended on logins (ended_at)`);
    this.addSql(`
      insert into logins (id, user_id, created_at, last_used_at, ended_at)
      select family_id, user_id, min(created_at), max(created_at), max(revoked_at)
      from refresh_tokens group by family_id, user_id`);

    this.addSql(`drop index refresh_tokens_family`);
    this.addSql(`alter table refresh_tokens rename column family_id to login_id`);
    this.addSql(`alter table refresh_tokens drop column revoked_at`);
    this.addSql(`
      alter table refresh_tokens add constraint refresh_tokens_login_id_foreign
      foreign key (login_id) references logins (id) on delete cascade`);
    this.addSql(`create index refresh_tokens_login on refresh_tokens (login_id)`);

    this.addSql(`alter table logins enable row level security`);
    this.addSql(`
      create policy logins_owner on logins to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    // A log-in is begun and used by the service; its owner may see it and end it.
    this.addSql(`grant select, update (ended_at) on logins to ${gatewayRole}`);
  }
}
