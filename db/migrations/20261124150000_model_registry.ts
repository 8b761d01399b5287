import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Roles beside the tiers, and the registry of models: which version does what, and who changed it. */
export class ModelRegistry extends Migration {
  override name = '20261124150000_model_registry';

  override up(): void {
    this.addSql(`
      create table user_roles (
        user_id uuid primary key constraint user_roles_user_id_foreign references users (id) on delete cascade,
        role varchar(20) not null,
        granted_at timestamptz not null default now()
      )`);
    this.addSql(`alter table user_roles enable row level security`);
    this.addSql(`
      create policy user_roles_self on user_roles to ${gatewayRole}
      using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
      with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`);
    this.addSql(`grant select on user_roles to ${gatewayRole}`);

    this.addSql(`
      create table models (
        name varchar(50) primary key,
        active_version varchar(50),
        canary_version varchar(50),
        canary_share real not null default 0,
        shadow_version varchar(50),
        updated_at timestamptz not null default now(),
        updated_by uuid
      )`);
    this.addSql(`
      insert into models (name, active_version)
      select name, max(version) filter (where active) from model_versions group by name`);
    this.addSql(`
      create table model_changes (
        id serial primary key,
        name varchar(50) not null,
        kind varchar(20) not null,
        from_version varchar(50),
        to_version varchar(50),
        share real,
        reason text,
        changed_at timestamptz not null default now(),
        changed_by uuid
      )`);
    this.addSql(`create index model_changes_name on model_changes (name, id)`);

    this.addSql(`drop index model_versions_one_active`);
    this.addSql(`
      alter table model_versions
        drop column active,
        add column seed int,
        add column sessions int,
        add column backend varchar(20),
        add column profile jsonb,
        add column card text,
        add column created_by uuid`);

    // Where an artefact lies, and its checksum, are nothing that a client may ever be shown.
    this.addSql(`revoke select on model_versions from ${gatewayRole}`);
    this.addSql(`
      grant select (name, version, figures, seed, sessions, backend, profile, card, created_at, created_by)
      on model_versions to ${gatewayRole}`);
    this.addSql(`grant select on models, model_changes to ${gatewayRole}`);
  }
}
