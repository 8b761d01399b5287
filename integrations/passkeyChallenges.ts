import type { Redis } from 'ioredis';
import { passkeyChallengeLifetimeMs } from '../domain/secondFactors.ts';
import type { Logger } from '../observability/logger.ts';
import { createAttempts } from './redis.ts';

/** What a passkey is asked for: to be added to an account, or to let its owner in. */
export type PasskeyRequest = { kind: 'registration'; userId: string } | { kind: 'login' };

/** What became of a look at the challenges; `unavailable` while Redis is gone. */
export type ChallengeState = 'known' | 'unknown' | 'unavailable';

/** Challenges that passkeys have to answer: each is good once, for what it was made for, for a few minutes. */
export interface PasskeyChallenges {
  keep(request: PasskeyRequest, challenge: string): Promise<ChallengeState>;
  /** Takes the challenge away, so that whoever comes second with it finds it `unknown`. */
  take(request: PasskeyRequest, challenge: string): Promise<ChallengeState>;
}

/** Keeps them in Redis alone: without it nobody signs in by a passkey, and a password still does. */
export function createPasskeyChallenges(redis: Redis, logger: Logger): PasskeyChallenges {
  const attempt = createAttempts(redis, logger, 'challenges of passkeys cannot be kept; nobody signs in by one');
  return {
    async keep(request, challenge) {
      const kept = await attempt(() => redis.set(keyOf(request, challenge), '1', 'PX', passkeyChallengeLifetimeMs));
      return kept.done ? 'known' : 'unavailable';
    },
    async take(request, challenge) {
      const taken = await attempt(() => redis.getdel(keyOf(request, challenge)));
      if (!taken.done) return 'unavailable';
      return taken.value === null ? 'unknown' : 'known';
    },
  };
}

function keyOf(request: PasskeyRequest, challenge: string): string {
  switch (request.kind) {
    case 'registration':
      return `passkey:registration:${request.userId}:${challenge}`;
    case 'login':
      return `passkey:login:${challenge}`;
  }
}
