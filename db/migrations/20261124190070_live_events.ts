import { Migration } from '@mikro-orm/migrations';

/** What happened last, over all sessions, is asked every few seconds by every API process. */
export class LiveEvents extends Migration {
  override name = '20261124190070_live_events';

  override up(): void {
    this.addSql(`create index session_events_newest on session_events (created_at)`);
  }
}
