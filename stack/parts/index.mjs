import { mail } from './mail.mjs';
import { objects } from './objects.mjs';
import { postgres } from './postgres.mjs';
import { redis } from './redis.mjs';
import { stripe } from './stripe.mjs';
import { temporal } from './temporal.mjs';

/** The parts of the stack, in the order in which people see them. */
export const allParts = [postgres, redis, objects, temporal, stripe, mail];
