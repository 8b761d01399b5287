import type { MasterKey } from '../domain/encryption.ts';
import type { Resources } from '../resources.ts';
import type { WorkflowClient } from '../temporal/client.ts';
import { webUiOf, type WebUi } from '../temporal/webUi.ts';
import { createNotices, type Notices } from './accounts/notices.ts';
import { createAccessTokens, type AccessTokens } from './auth/accessTokens.ts';
import { createCapacity, type Capacity } from './capacity.ts';

/** Everything that the gateway works with; `api/main.ts` and the tests hand in the real things. */
export interface ApiDeps extends Pick<
  Resources,
  | 'archives'
  | 'database'
  | 'contentKeys'
  | 'contents'
  | 'uploads'
  | 'cache'
  | 'driftCounts'
  | 'live'
  | 'revocations'
  | 'webhookSecrets'
  | 'attempts'
  | 'links'
  | 'totp'
  | 'passkeyChallenges'
  | 'logger'
  | 'metrics'
  | 'checks'
  | 'rateLimits'
  | 'systemConfig'
> {
  workflows: WorkflowClient;
  /** Null where it is not known. */
  temporalWebUi: WebUi | null;
  /** Whether there is room for what is asked for. */
  capacity: Capacity;
  /** What tells people of changes of how their accounts are got into. */
  notices: Notices;
  tokens: AccessTokens;
  /** Where people reach us: passkeys work at this address alone. */
  publicUrl: string;
  /** Keys the hash by which a repeated request is recognised. */
  idempotencySecret: string;
  /** Webhooks may go to plain HTTP and to our own network: in development and tests. */
  allowPrivateWebhooks: boolean;
  /** The web pages that may call from a browser, as their origins. */
  corsOrigins: readonly string[];
  /** Whose X-Forwarded-For is believed; 0 for nobody. */
  trustedProxies: number | string[];
  /** What opens the payloads of workflows. */
  payloadKeys: readonly MasterKey[];
  /** Where the Temporal Web UI is, which operators read payloads in. */
  temporalUiUrl: string | undefined;
}

/** What the routes of a gateway work with. @throws where a signing key cannot be read */
export async function createApiDeps(resources: Resources, workflows: WorkflowClient): Promise<ApiDeps> {
  return {
    ...resources,
    workflows,
    temporalWebUi: webUiOf(resources.config),
    capacity: createCapacity({ ...resources, workflows }),
    notices: createNotices({ ...resources, workflows }),
    tokens: await createAccessTokens(resources.config.JWT_SIGNING_KEYS),
    publicUrl: resources.config.PUBLIC_URL,
    idempotencySecret: resources.config.IDEMPOTENCY_SECRET,
    allowPrivateWebhooks: resources.config.WEBHOOK_ALLOW_PRIVATE,
    corsOrigins: resources.config.CORS_ORIGINS,
    trustedProxies: resources.config.TRUST_PROXY,
    payloadKeys: resources.config.TEMPORAL_PAYLOAD_KEYS,
    temporalUiUrl: resources.config.TEMPORAL_UI_URL,
  };
}
