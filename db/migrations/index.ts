import { First } from './20261123000000_first.ts';
import { ModelRegistry } from './20261124150000_model_registry.ts';
import { ModelComparisons } from './20261124153000_model_comparisons.ts';
import { Trainings } from './20261124160000_trainings.ts';
import { Outcomes } from './20261124161500_outcomes.ts';
import { Logins } from './20261124190010_logins.ts';
import { AccountStates } from './20261124190011_account_states.ts';
import { Totp } from './20261124190015_totp.ts';
import { Passkeys } from './20261124190016_passkeys.ts';
import { SystemConfigs } from './20261124190020_system_config.ts';
import { ApiKeys } from './20261124190021_api_keys.ts';
import { IdempotencyKeys } from './20261124190030_idempotency_keys.ts';
import { SessionLists } from './20261124190031_session_lists.ts';
import { SessionShares } from './20261124190032_session_shares.ts';
import { Attachments } from './20261124190040_attachments.ts';
import { Webhooks } from './20261124190050_webhooks.ts';
import { ContentKeys } from './20261124190060_content_keys.ts';
import { AccountRequests } from './20261124190061_account_requests.ts';
import { LiveEvents } from './20261124190070_live_events.ts';
import { AuditEntries } from './20261129000010_audit_entries.ts';
import { ModelPauses } from './20261129000400_model_pauses.ts';
import { StuckSessions } from './20261129000200_stuck_sessions.ts';
import { Backups } from './20261129000300_backups.ts';
import { BulkActions } from './20261129000500_bulk_actions.ts';
import { AccountNotices } from './20261129010300_account_notices.ts';

/** Every migration, oldest first; the list stands here so that no loader has to look for files at run time. */
export const migrations = [
  First,
  ModelRegistry,
  ModelComparisons,
  Trainings,
  Outcomes,
  Logins,
  AccountStates,
  Totp,
  Passkeys,
  SystemConfigs,
  ApiKeys,
  IdempotencyKeys,
  SessionLists,
  SessionShares,
  Attachments,
  Webhooks,
  ContentKeys,
  AccountRequests,
  LiveEvents,
  AuditEntries,
  ModelPauses,
  StuckSessions,
  Backups,
  BulkActions,
  AccountNotices,
];
