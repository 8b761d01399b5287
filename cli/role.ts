import { createStandings } from '../api/auth/standing.ts';
import { grantRole } from '../db/roles.ts';
import { roles } from '../domain/tiers.ts';
import { withStores } from './stores.ts';

/** `npm run role -- <email> <role>`: grants a role to an account, or takes it back with `user`. */

const [email, asked] = process.argv.slice(2);
const role = roles.find((name) => name === asked);
try {
  if (email === undefined || role === undefined) throw new Error(`npm run role -- <email> <${roles.join(' | ')}>`);
  await withStores(async (stores) => {
    const granted = await grantRole(stores.database.asService(), email, role);
    if (granted === null) throw new Error(`There is no account with the e-mail ${email}.`);
    await createStandings(stores).remember(granted.userId, granted.standing);
    // The account as its owner reads it says the role too.
    await stores.cache.cacheEntry('user', granted.userId).forget();
  });
  console.log(
    `${email} is ${role} from the next log-in or refresh on; a token that is out is good for its 15 minutes.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
