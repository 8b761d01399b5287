import { Migration } from '@mikro-orm/migrations';
import { gatewayRole } from '../rowSecurity.ts';

/** How shadow versions compared with the ones that answered. */
export class ModelComparisons extends Migration {
  override name = '20261124153000_model_comparisons';

  override up(): void {
    this.addSql(`
      create table model_comparisons (
        name varchar(50) not null,
        version varchar(50) not null,
        shadow_version varchar(50) not null,
        result_type varchar(100) not null,
        sessions int not null,
        agreed int not null,
        confidence_difference double precision not null,
        updated_at timestamptz not null default now(),
        primary key (name, version, shadow_version, result_type)
      )`);
    this.addSql(`grant select on model_comparisons to ${gatewayRole}`);
  }
}
