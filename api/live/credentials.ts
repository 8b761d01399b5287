import { goodApiKeys } from '../../db/apiKeys.ts';
import type { Database } from '../../db/database.ts';
import { openShares } from '../../db/sessionShares.ts';
import { secondMs } from '../../domain/time.ts';
import type { Revocations } from '../../integrations/revocations.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Follower } from './followers.ts';

export interface CredentialWatch {
  close(): Promise<void>;
}

interface WatchDeps {
  database: Database;
  revocations: Revocations;
  logger: Logger;
}

interface Watched {
  /** Who is connected now. */
  followers: () => readonly Follower[];
  /** Takes the ids of credentials that have ended; most of them are nobody's here. */
  onEnded: (credentialIds: ReadonlySet<string>) => void;
}

/** How late an end is seen of which Redis did not tell. */
const lookEveryMs = 5 * secondMs;

/**
 * Tells of credentials that end before their time. Redis tells at once. What it lost, of log-ins it tells later; whether
 * keys and links still stand PostgreSQL is asked every few seconds, by one statement each, as long as anybody came by one.
 */
export function watchCredentials(
  { database, revocations, logger }: WatchDeps,
  { followers, onEnded }: Watched,
): CredentialWatch {
  let looking: Promise<void> | undefined;

  function look(): void {
    looking ??= tellEnded()
      .catch((error: unknown) => {
        // The next look tries again.
        logger.warn({ error }, 'it could not be read which API keys and links have ended');
      })
      .finally(() => {
        looking = undefined;
      });
  }

  async function tellEnded(): Promise<void> {
    const now = followers();
    const em = database.asService();
    const ended = await Promise.all([
      without(idsOf(now, 'key'), (ids) => goodApiKeys(em, ids)),
      without(idsOf(now, 'share'), (ids) => openShares(em, ids)),
    ]);
    onEnded(new Set(ended.flat()));
  }

  revocations.watch((credentialId) => {
    onEnded(new Set([credentialId]));
  });
  const timer = setInterval(look, lookEveryMs);
  timer.unref();

  return {
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

function idsOf(followers: readonly Follower[], by: Follower['by']): string[] {
  const ids = followers.filter((follower) => follower.by === by).map(({ credentialId }) => credentialId);
  return [...new Set(ids)];
}

async function without(ids: string[], readGood: (ids: string[]) => Promise<string[]>): Promise<string[]> {
  if (ids.length === 0) return [];
  const good = new Set(await readGood(ids));
  return ids.filter((id) => !good.has(id));
}
