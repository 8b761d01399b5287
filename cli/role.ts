import { grantRole } from '../db/roles.ts';
import { roles } from '../domain/tiers.ts';
import { changeStanding } from './standing.ts';

/** `npm run role -- <email> <role>`: grants a role to an account, or takes it back with `user`. */
await changeStanding('role', roles, grantRole);
