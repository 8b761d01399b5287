import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** What operators find sessions by in the Temporal Web UI (T4). Registered by `npm run provision`. */
export const searchAttributes = {
  sessionId: defineSearchAttributeKey('SessionId', SearchAttributeType.KEYWORD),
  userId: defineSearchAttributeKey('UserId', SearchAttributeType.KEYWORD),
  tier: defineSearchAttributeKey('Tier', SearchAttributeType.KEYWORD),
  sessionType: defineSearchAttributeKey('SessionType', SearchAttributeType.KEYWORD),
  sessionStatus: defineSearchAttributeKey('SessionStatus', SearchAttributeType.KEYWORD),
  step: defineSearchAttributeKey('Step', SearchAttributeType.KEYWORD),
  stuckReason: defineSearchAttributeKey('StuckReason', SearchAttributeType.KEYWORD),
  modelVersion: defineSearchAttributeKey('ModelVersion', SearchAttributeType.KEYWORD),
};
