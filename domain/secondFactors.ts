import { minuteMs } from './time.ts';

/** How long after the password the second factor may come. */
export const secondFactorLifetimeMs = 5 * minuteMs;

/** How long a passkey may take to answer a challenge. */
export const passkeyChallengeLifetimeMs = 5 * minuteMs;

/** Each lets its owner in once when the app with the codes is lost. */
export const recoveryCodesPerAccount = 10;

export const passkeysPerAccount = 20;
