import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** Trainings of models: how each stands, and what came of it. */
export class Trainings extends Migration {
  override name = '20261124160000_trainings';

  override up(): void {
    this.addSql(`
      create table trainings (
        id uuid primary key,
        model varchar(50) not null,
        version varchar(50),
        sessions int,
        real_sessions int not null default 0,
        seed int not null,
        fingerprint varchar(64) not null,
        started_by uuid,
        state varchar(20) not null default 'running',
        stage varchar(20) not null default 'simulate',
        stage_done double precision not null default 0,
        epoch int not null default 0,
        epochs int,
        losses jsonb,
        samples_per_second double precision,
        seconds_left double precision,
        figures jsonb,
        active_version varchar(50),
        active_figures jsonb,
        decision varchar(20),
        reason text,
        failure text,
        started_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        ended_at timestamptz
      )`);
    this.addSql(`create index trainings_started on trainings (started_at, id)`);
    this.addSql(`create unique index trainings_one_running on trainings (model) where state::text = 'running'::text`);
    this.addSql(`grant select on trainings to ${gatewayRole}`);
  }
}
