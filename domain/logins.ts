import { dayMs, minuteMs, secondMs } from './time.ts';

/** How long an access token is good for: what a log-in that was ended is remembered for, too. */
export const accessTokenLifetimeMs = 15 * minuteMs;

/** How long a log-in lasts without being used. */
export const loginLifetimeMs = 30 * dayMs;

/** A client whose answer was lost may send the same refresh token again for this long; after that it is taken for a thief. */
export const refreshGraceMs = 10 * secondMs;
