import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

const currentUser = `nullif(current_setting('app.user_id', true), '')::uuid`;

/** The specified tables (D1), what the platform keeps beside them, and row-level security for the gateway's role. */
export class First extends Migration {
  override name = '20261123000000_first';

  override up(): void {
    this.addSql(`
      do $$ begin
        if not exists (select from pg_roles where rolname = '${gatewayRole}') then
          create role ${gatewayRole} nologin;
        end if;
      end $$`);
    this.addSql(`grant ${gatewayRole} to current_user`);

    this.addSql(`
      create table users (
        id uuid primary key default gen_random_uuid(),
        email varchar(255) not null constraint users_email_key unique,
        username varchar(100) not null constraint users_username_key unique,
        password_hash varchar(255) not null,
        tier varchar(50) not null default 'basic',
        created_at timestamptz default now(),
        updated_at timestamptz default now()
      )`);
    this.addSql(`
      create table sessions (
        id uuid primary key default gen_random_uuid(),
        user_id uuid not null constraint sessions_user_id_foreign references users (id),
        cue text not null,
        session_type varchar(50) not null,
        status varchar(50) not null default 'pending',
        metadata jsonb,
        created_at timestamptz default now(),
        completed_at timestamptz
      )`);
    this.addSql(`create index sessions_user_created on sessions (user_id, created_at, id)`);
    this.addSql(`
      create table analysis_results (
        id uuid primary key default gen_random_uuid(),
        session_id uuid not null constraint analysis_results_session_id_foreign references sessions (id),
        result_type varchar(100) not null,
        confidence_score numeric(5,4) not null,
        data jsonb not null,
        created_at timestamptz default now()
      )`);
    this.addSql(`create index analysis_results_session on analysis_results (session_id)`);

    this.addSql(`
      create table session_states (
        session_id uuid primary key,
        user_id uuid not null,
        fingerprint varchar(64) not null,
        content_key varchar(200) not null,
        has_impressions boolean not null,
        step varchar(20),
        last_seq int not null default 0,
        stuck jsonb,
        updated_at timestamptz not null default now(),
        deleted_at timestamptz
      )`);
    this.addSql(`
      create table session_events (
        session_id uuid not null,
        seq int not null,
        type varchar(50) not null,
        data jsonb not null,
        created_at timestamptz not null default now(),
        primary key (session_id, seq)
      )`);
    this.addSql(`
      create table refresh_tokens (
        token_hash varchar(64) primary key,
        family_id uuid not null,
        user_id uuid not null constraint refresh_tokens_user_id_foreign references users (id) on delete cascade,
        expires_at timestamptz not null,
        used_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`create index refresh_tokens_family on refresh_tokens (family_id)`);
    this.addSql(`
      create table billing_accounts (
        user_id uuid primary key constraint billing_accounts_user_id_foreign references users (id) on delete cascade,
        stripe_customer_id varchar(255) not null,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table bills (
        session_id uuid primary key,
        user_id uuid not null,
        units int not null,
        state varchar(20) not null,
        first_sent_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table model_versions (
        name varchar(50) not null,
        version varchar(50) not null,
        artefact_key varchar(200) not null,
        sha256 varchar(64) not null,
        figures jsonb not null,
        active boolean not null default false,
        created_at timestamptz not null default now(),
        primary key (name, version)
      )`);
    this.addSql(`create unique index model_versions_one_active on model_versions (name) where active`);

    this.ownRows('users', 'users_self', 'id');
    this.ownRows('sessions', 'sessions_owner', 'user_id');
    this.ownRows('session_states', 'session_states_owner', 'user_id');
    this.ownRows('bills', 'bills_owner', 'user_id');
    this.rowsOfOwnSessions('analysis_results', 'analysis_results_owner');
    this.rowsOfOwnSessions('session_events', 'session_events_owner');
    for (const table of ['refresh_tokens', 'billing_accounts']) {
      this.addSql(`alter table ${table} enable row level security`);
    }

    // The gateway may do what its routes do, and no more: steps and deletion belong to the workers.
    this.addSql(`grant usage on schema public to ${gatewayRole}`);
    this.addSql(`
      grant select on users, sessions, session_states, session_events, analysis_results, bills, model_versions
      to ${gatewayRole}`);
    this.addSql(`grant update (cue, metadata) on sessions to ${gatewayRole}`);
    this.addSql(`
      grant update (content_key, has_impressions, last_seq, updated_at) on session_states to ${gatewayRole}`);
    this.addSql(`grant insert on session_events to ${gatewayRole}`);
  }

  private ownRows(table: string, policy: string, column: string): void {
    this.policy(table, policy, `${column} = ${currentUser}`);
  }

  private rowsOfOwnSessions(table: string, policy: string): void {
    this.policy(table, policy, `session_id in (select sessions.id from sessions)`);
  }

  private policy(table: string, policy: string, condition: string): void {
    this.addSql(`alter table ${table} enable row level security`);
    this.addSql(`create policy ${policy} on ${table} to ${gatewayRole} using (${condition}) with check (${condition})`);
  }
}
