import { hourMs } from './time.ts';

/** The words of what operators do. No zod here: workflow code imports this file. */

/** What an operator can do that is written down, with who did it and why. */
export const operatorActions = ['retry', 'pause', 'resume', 'reset', 'skip', 'cancel', 'decode', 'restore'] as const;
export type OperatorAction = (typeof operatorActions)[number];

/** How long a browser may read payloads before its operator signs in again. */
export const decodingLifetimeMs = hourMs;

/** How an action ended: it happened, it was not possible as things stood, or it broke on the way. */
export const actionOutcomes = ['done', 'refused', 'failed'] as const;
export type ActionOutcome = (typeof actionOutcomes)[number];

/** Who acts: an account over the gateway, or whoever runs the command line on the machine of that name. */
export type Actor = { userId: string } | { command: string };
