import { attemptCounters } from '../api/auth/guarding.ts';
import { createRedis } from '../integrations/redis.ts';
import type { TestApi } from './api.ts';

/**
 * As if an account that was tried in vain had been tried for long: the next attempt has to wait a quarter of an hour,
 * where after the first few it were a second, which is over before a slow machine comes to it.
 */
export async function tryForLong({ deps, resources }: TestApi, email: string): Promise<void> {
  const [counter] = attemptCounters(deps.links, { email, address: '' });
  const redis = createRedis(resources.config.REDIS_URL, 'test');
  await redis.hset(`attempts:account:${String(counter?.name)}`, 'count', 20);
  await redis.quit();
}
