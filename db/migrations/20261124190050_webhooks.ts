import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Where people's own systems are told of their sessions, and what each was told. */
export class Webhooks extends Migration {
  override name = '20261124190050_webhooks';

  override up(): void {
    this.addSql(`
      create table webhook_endpoints (
        id uuid primary key,
        user_id uuid not null constraint webhook_endpoints_user_id_foreign references users (id) on delete cascade,
        url varchar(2048) not null,
        description varchar(200),
        events jsonb not null,
        active boolean not null default true,
        disabled_reason varchar(20),
        disabled_at timestamptz,
        delivered_at timestamptz,
        secret bytea not null,
        previous_secret bytea,
        previous_secret_until timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    this.addSql(`create index webhook_endpoints_user on webhook_endpoints (user_id)`);
    this.addSql(`
      create table webhook_deliveries (
        id uuid primary key,
        endpoint_id uuid not null
          constraint webhook_deliveries_endpoint_id_foreign references webhook_endpoints (id) on delete cascade,
        user_id uuid not null,
        type varchar(50) not null,
        data jsonb not null,
        occurred_at timestamptz not null,
        state varchar(20) not null default 'pending',
        attempts int not null default 0,
        last_attempt_at timestamptz,
        last_status_code int,
        last_duration_ms int,
        last_failure varchar(20),
        next_attempt_at timestamptz default now(),
        created_at timestamptz not null default now()
      )`);
    this.addSql(`
      create index webhook_deliveries_endpoint on webhook_deliveries (endpoint_id, created_at, id)`);
    for (const table of ['webhook_endpoints', 'webhook_deliveries']) this.ownRows(table);

    // Attempts belong to the workers; the gateway queues a test, and a delivery again.
    this.addSql(`grant select, insert, delete on webhook_endpoints to ${gatewayRole}`);
    this.addSql(`
      grant update (
        url, description, events, active, disabled_reason, disabled_at, secret, previous_secret, previous_secret_until,
        updated_at
      ) on webhook_endpoints to ${gatewayRole}`);
    this.addSql(`grant select, insert on webhook_deliveries to ${gatewayRole}`);
    this.addSql(`grant update (state, next_attempt_at) on webhook_deliveries to ${gatewayRole}`);
  }

  private ownRows(table: string): void {
    const condition = `user_id = nullif(current_setting('app.user_id', true), '')::uuid`;
    this.addSql(`alter table ${table} enable row level security`);
    this.addSql(`
      create policy ${table}_owner on ${table} to ${gatewayRole} using (${condition}) with check (${condition})`);
  }
}
