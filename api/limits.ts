import type { SystemConfig } from '../domain/systemConfig.ts';
import type { RateClass } from '../domain/tiers.ts';
import { secondMs } from '../domain/time.ts';
import { ApiError } from '../domain/errors.ts';
import {
  rateLimitKeys,
  rateWindowMs,
  type RateCounter,
  type RateDecision,
  type RateLimits,
} from '../integrations/rateLimits.ts';
import type { SystemConfigReader } from '../integrations/systemConfig.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Caller } from './auth/caller.ts';

/** A request as it is counted. */
interface Counted {
  rateClass: RateClass;
  /** Null for somebody whom we do not know. */
  caller: Caller | null;
  /** As `networkOf` has it; null where it is counted already. */
  address: string | null;
  /** As how many requests it counts; 0 only looks whether one would pass. */
  cost: number;
}

/** Counts a request, or a live connection, for whoever makes it, and tells in headers how much is left. @throws ApiError `rate_limited`; `validation_failed` for what no minute has room for */
export type Limiter = (counted: Counted, setHeader: (name: string, value: string) => void) => Promise<void>;

export interface LimiterDeps {
  rateLimits: RateLimits;
  systemConfig: SystemConfigReader;
  metrics: Metrics;
}

/** By the limits as they stand at each request, which an operator may change meanwhile. */
export function createLimiter({ rateLimits, systemConfig, metrics }: LimiterDeps): Limiter {
  return async (counted, setHeader) => {
    const { rateClass } = counted;
    const policies = policiesOf(counted, await systemConfig.current());
    const most = Math.min(...policies.map(({ limit }) => limit));
    const neverFits = counted.cost > most;
    const cost = neverFits ? 1 : counted.cost;
    const decision = await rateLimits.take(rateClass, cost, policies);
    metrics.rateLimitDecisionsTotal.inc({
      class: rateClass,
      outcome: decision.allowed ? 'allowed' : 'refused',
      counted_by: decision.countedBy,
    });
    tell(policies, cost, decision, setHeader);
    if (!decision.allowed) throw new ApiError('rate_limited');
    if (neverFits) throw new ApiError('validation_failed', [{ path: 'body', message: tooMany(counted.cost, most) }]);
  };
}

function tooMany(cost: number, most: number): string {
  return `counts as ${cost} requests, and ${most} a minute are let in: send it in parts`;
}

interface Policy extends RateCounter {
  name: 'user' | 'key' | 'address';
}

/** The account and its key by the terms of its tier, and the address that the request comes from. */
function policiesOf({ rateClass, caller, address }: Counted, config: SystemConfig): Policy[] {
  const limit = config.addressRequestsPerMinute[rateClass];
  const ofAddress: Policy[] = address === null ? [] : [{ name: 'address', key: rateLimitKeys.address(address), limit }];
  if (caller === null) return ofAddress;
  const { userId, tier, credential } = caller;
  const { requestsPerMinute, keyRequestsPerMinute } = config.tiers[tier];
  const ofUser: Policy = { name: 'user', key: rateLimitKeys.user(userId), limit: requestsPerMinute[rateClass] };
  if (credential.kind === 'access_token') return [ofUser, ...ofAddress];
  const ofKey: Policy = {
    name: 'key',
    key: rateLimitKeys.key(credential.keyId),
    limit: keyRequestsPerMinute[rateClass],
  };
  return [ofUser, ofKey, ...ofAddress];
}

/**
 * The headers of draft-ietf-httpapi-ratelimit-headers-11: `q` requests in `w` seconds, of which `r` are left, and `t`
 * seconds until one that was used is free again, or until what was refused fits. A name that ends in `-process` says
 * that Redis is gone, and that only this process's own requests were counted.
 */
function tell(
  policies: readonly Policy[],
  cost: number,
  { allowed, states, countedBy }: RateDecision,
  setHeader: (name: string, value: string) => void,
): void {
  const windowSeconds = rateWindowMs / secondMs;
  const told = policies.map(({ name, limit }, i) => {
    const { remaining, freeInMs } = states[i] ?? { remaining: 0, freeInMs: rateWindowMs };
    const label = countedBy === 'redis' ? `"${name}"` : `"${name}-process"`;
    return { label, limit, remaining, freeInSeconds: Math.ceil(freeInMs / secondMs) };
  });
  setHeader('RateLimit-Policy', told.map(({ label, limit }) => `${label};q=${limit};w=${windowSeconds}`).join(', '));
  setHeader(
    'RateLimit',
    told.map(({ label, remaining, freeInSeconds }) => `${label};r=${remaining};t=${freeInSeconds}`).join(', '),
  );
  if (allowed) return;
  const full = told.filter(({ remaining }) => remaining < Math.max(cost, 1)).map(({ freeInSeconds }) => freeInSeconds);
  setHeader('Retry-After', String(Math.max(1, ...full)));
}
