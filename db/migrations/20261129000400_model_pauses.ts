import { Migration } from '@mikro-orm/migrations';

/** Whether sessions wait for a model, since when and why; who paused it stands in its changes. */
export class ModelPauses extends Migration {
  override name = '20261129000400_model_pauses';

  override up(): void {
    this.addSql(`alter table models add column paused_at timestamptz null, add column pause_reason text null`);
  }
}
