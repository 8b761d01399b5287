import type { EntityManager } from '@mikro-orm/postgresql';
import { createStandings } from '../api/auth/standing.ts';
import type { Granted } from '../db/roles.ts';
import { withStores } from './stores.ts';

/**
 * A command that takes an e-mail and one of some words, and changes by it what the account stands for. For whoever calls by
 * an API key it counts at once.
 */
export async function changeStanding<Word extends string>(
  command: string,
  words: readonly Word[],
  change: (em: EntityManager, email: string, word: Word) => Promise<Granted | null>,
): Promise<void> {
  const [email, asked] = process.argv.slice(2);
  const word = words.find((known) => known === asked);
  try {
    if (email === undefined || word === undefined)
      throw new Error(`npm run ${command} -- <email> <${words.join(' | ')}>`);
    await withStores(async (stores) => {
      const changed = await change(stores.database.asService(), email, word);
      if (changed === null) throw new Error(`There is no account with the e-mail ${email}.`);
      await createStandings(stores).remember(changed.userId, changed.standing);
      // The account as its owner reads it says so too.
      await stores.cache.cacheEntry('user', changed.userId).forget();
    });
    console.log(
      `${email} is ${word} from the next log-in or refresh on; a token that is out is good for its 15 minutes.`,
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
