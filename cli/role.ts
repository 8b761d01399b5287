import { readDatabaseUrl } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { grantRole } from '../db/roles.ts';
import { roles } from '../domain/tiers.ts';

/** `npm run role -- <email> <role>`: grants a role to an account, or takes it back with `user`. */

const [email, asked] = process.argv.slice(2);
const role = roles.find((name) => name === asked);
if (email === undefined || role === undefined) {
  console.error(`npm run role -- <email> <${roles.join(' | ')}>`);
  process.exit(2);
}

const database = openDatabase({ url: await readDatabaseUrl(), poolMax: 1 });
try {
  if (await grantRole(database.asService(), email, role)) {
    console.log(
      `${email} is ${role} from the next log-in or refresh on; a token that is out is good for its 15 minutes.`,
    );
  } else {
    console.error(`There is no account with the e-mail ${email}.`);
    process.exitCode = 1;
  }
} finally {
  await database.close();
}
