import type { SessionEventType } from './events.ts';
import { hourMs, minuteMs, secondMs } from './time.ts';

/** Webhooks out: what a person's own systems are told of, and how often it is tried. */

export const webhookEventTypes = ['analysis.completed', 'session.completed', 'session.failed'] as const;
export type WebhookEventType = (typeof webhookEventTypes)[number];

/** The event of a session that each of them tells of. */
export const toldEvents: Record<WebhookEventType, SessionEventType> = {
  'analysis.completed': 'analysis_completed',
  'session.completed': 'completed',
  'session.failed': 'failed',
};

/** What can be delivered: an event, or what its owner sends to try an endpoint out. */
export const deliveryTypes = [...webhookEventTypes, 'webhook.test'] as const;
export type DeliveryType = (typeof deliveryTypes)[number];

/** Small facts alone: what a person recorded, and what a model said of it, is read with a token. */
export type DeliveryFacts = Readonly<Record<string, string | number | null>>;

export const deliveryStates = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/**
 * Why an attempt failed.
 * - `refused`: the endpoint answered with another status than 2xx; a redirect is not followed.
 * - `timeout`: no answer in time.
 * - `unreachable`: no connection, or a certificate that does not hold.
 * - `private_address`: the address does not lead to the public internet, so nothing was sent.
 * - `inactive`: the endpoint was switched off, so nothing was sent.
 */
export const attemptFailures = ['refused', 'timeout', 'unreachable', 'private_address', 'inactive'] as const;
export type AttemptFailure = (typeof attemptFailures)[number];

/**
 * Why the platform switched an endpoint off.
 * - `gone`: it answered 410.
 * - `failing`: a delivery used up all its attempts, and nothing else arrived in all that time.
 */
export const disabledReasons = ['gone', 'failing'] as const;
export type DisabledReason = (typeof disabledReasons)[number];

/** How long a delivery waits after each failed attempt: ten attempts over about three days. */
const retryDelaysMs: readonly number[] = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];

/** How long to wait after so many failed attempts; null when they are used up. */
export function retryDelayMs(attempts: number): number | null {
  return retryDelaysMs[attempts - 1] ?? null;
}

/** How many endpoints an account may have. */
export const endpointsPerUser = 10;

/** How long the secret before the newest one goes on signing beside it. */
export const secretOverlapMs = 24 * hourMs;
