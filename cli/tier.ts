import { changeTier } from '../db/roles.ts';
import { tiers } from '../domain/tiers.ts';
import { changeStanding } from './standing.ts';

/** `npm run tier -- <email> <tier>`: lifts an account to a tier, or lowers it. */
await changeStanding('tier', tiers, changeTier);
