import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { accessTokenLifetimeMs } from '../domain/logins.ts';
import { minuteMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { createAttempts } from './redis.ts';

/** Where log-ins are kept for good. */
export interface LoginRecords {
  isEnded(login: LoginName): Promise<boolean>;
  endedAfter(time: Date): Promise<string[]>;
}

export interface LoginName {
  userId: string;
  loginId: string;
}

/**
 * Which log-ins have ended, for as long as an access token of theirs could still be good. Redis answers; PostgreSQL is
 * asked instead while Redis is gone, and until Redis has been told again of every end that it may have missed or lost.
 */
export interface Revocations {
  isRevoked(login: LoginName): Promise<boolean>;
  /** Tells every process of log-ins that PostgreSQL has as ended already. */
  revoke(loginIds: readonly string[]): Promise<void>;
  /**
   * Tells every process of API keys and links that were taken back, so that what is open by them ends at once. Whether
   * one is good is asked of PostgreSQL each time, so nothing is kept of it here.
   */
  announce(credentialIds: readonly string[]): Promise<void>;
  /**
   * Calls with the id of each credential that ends, on whatever process; after an outage with the log-ins of the
   * meantime.
   */
  watch(listener: (credentialId: string) => void): void;
  close(): void;
}

/** The name is as old as the channel: gateways of the version before listen here too. */
const channel = 'revoked:logins';
/** A token that was issued while its log-in ended is out a moment later. */
const rememberedMs = accessTokenLifetimeMs + minuteMs;
const mostHeard = 100_000;

function keyOf(loginId: string): string {
  return `revoked:login:${loginId}`;
}

/** Believes Redis only once it has told Redis of every recent end that PostgreSQL knows. */
export function createRevocations(redis: Redis, records: LoginRecords, logger: Logger): Revocations {
  const attempt = createAttempts(redis, logger, 'the list of ended log-ins does not work; asking PostgreSQL instead');
  /** Redis is trusted once it was told of every recent end, until the connection is lost. */
  let isComplete = false;
  let completing: Promise<void> | undefined;
  let subscriber: Redis | undefined;
  const listeners = new Set<(credentialId: string) => void>();
  /** What this process heard of, also where Redis was too full to keep it, or let go of it to make room. */
  const heard = new LRUCache<string, true>({ max: mostHeard, ttl: rememberedMs });
  redis.on('close', () => {
    isComplete = false;
  });

  function recent(): Promise<string[]> {
    return records.endedAfter(new Date(Date.now() - rememberedMs));
  }

  function mark(loginIds: readonly string[]) {
    return attempt(async () => {
      await Promise.all(loginIds.map((loginId) => redis.set(keyOf(loginId), '1', 'PX', rememberedMs)));
    });
  }

  async function announce(credentialIds: readonly string[]): Promise<void> {
    await attempt(() => Promise.all(credentialIds.map((id) => redis.publish(channel, id))));
  }

  async function complete(): Promise<void> {
    let lost = false;
    const onClose = (): void => {
      lost = true;
    };
    redis.once('close', onClose);
    try {
      // While Redis is gone every request comes here, and none shall cost a list that nobody can be told.
      if (!(await attempt(() => redis.ping())).done) return;
      const { done } = await mark(await recent());
      isComplete = done && !lost;
    } catch (error) {
      logger.warn({ error }, 'the ended log-ins could not be read; the next request tries again');
    } finally {
      redis.off('close', onClose);
    }
  }

  function completeBehind(): void {
    completing ??= complete().finally(() => {
      completing = undefined;
    });
  }

  return {
    async isRevoked(login) {
      if (heard.has(login.loginId)) return true;
      if (isComplete) {
        const read = await attempt(() => redis.exists(keyOf(login.loginId)));
        if (read.done) return read.value > 0;
      } else completeBehind();
      return records.isEnded(login);
    },

    async revoke(loginIds) {
      if (loginIds.length === 0) return;
      const { done } = await mark(loginIds);
      if (!done) isComplete = false;
      await announce(loginIds);
    },

    announce,

    watch(listener) {
      listeners.add(listener);
      if (subscriber !== undefined) return;
      const tell = (credentialId: string): void => {
        heard.set(credentialId, true);
        listeners.forEach((each) => {
          each(credentialId);
        });
      };
      subscriber = redis.duplicate({ connectionName: `${redis.options.connectionName ?? ''}-revocations` });
      subscriber.on('error', () => undefined);
      subscriber.on('message', (_channel, credentialId) => {
        tell(credentialId);
      });
      // Whatever was published while nobody listened is read from PostgreSQL.
      subscriber.on('ready', () => {
        subscriber
          ?.subscribe(channel)
          .then(recent)
          .then(
            (ended) => {
              ended.forEach(tell);
            },
            (error: unknown) => {
              logger.warn({ error }, 'ends of log-ins may reach open connections late');
            },
          );
      });
    },

    close() {
      subscriber?.disconnect();
    },
  };
}
