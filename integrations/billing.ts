import { Stripe } from 'stripe';
import { secondMs } from '../domain/time.ts';

/** Thrown when the payment was refused (402): trying again helps once the card is mended, not before. */
export class CardDeclinedError extends Error {
  override readonly name = 'CardDeclinedError';
}

/** Thrown when Stripe says that the request, or our key, is wrong: trying the same again cannot help. */
export class BillingRejectedError extends Error {
  override readonly name = 'BillingRejectedError';
}

/**
 * Usage and customers at Stripe (X1). Every call may be made again: its Idempotency-Key comes from what it is for,
 * never from the attempt. Errors other than the two of this file (network, time, 409, 429, 5xx) are thrown as they
 * come, and may pass by trying again.
 */
export interface Billing {
  /** The customer of this account, made at the first call. */
  ensureCustomer(customer: { userId: string; email: string }): Promise<string>;
  /**
   * Tells the usage of a completed session: at most once counted, however often told. Stripe answers a repeat with the
   * same `occurredAt` as it did the first time, a refusal included; after a refusal, a new time asks anew.
   */
  recordUsage(usage: { sessionId: string; customerId: string; units: number; occurredAt: Date }): Promise<void>;
  /** Ends the customer, and every subscription of theirs; one that is gone already is no error. */
  deleteCustomer(customerId: string): Promise<void>;
  /** Takes a session's usage back; Stripe allows it for 24 hours. */
  voidUsage(usage: { sessionId: string }): Promise<void>;
}

export interface BillingOptions {
  secretKey: string;
  /** Stripe itself unless given. */
  apiBase?: string | undefined;
  /** The longest one call waits. Default 10,000. */
  timeoutMs?: number;
}

/** The meter that counts completed sessions. */
const meterEvent = 'session_completed';

/** Tries nothing again by itself: each attempt is Temporal’s. */
export function createBilling({ secretKey, apiBase, timeoutMs = 10 * secondMs }: BillingOptions): Billing {
  const stripe = new Stripe(secretKey, {
    // The client's types know its newest version only; the specification names this one.
    ...Object.assign<Stripe.StripeConfig, { apiVersion: string }>({}, { apiVersion: '2023-10-16' }),
    ...(apiBase === undefined ? {} : addressOf(apiBase)),
    timeout: timeoutMs,
    // Temporal tries again, and says so in the session's history.
    maxNetworkRetries: 0,
    telemetry: false,
  });

  return {
    async ensureCustomer({ userId, email }) {
      const { id } = await classified(() =>
        stripe.customers.create({ email, metadata: { user_id: userId } }, { idempotencyKey: `customer-${userId}` }),
      );
      return id;
    },
    async recordUsage({ sessionId, customerId, units, occurredAt }) {
      const timestamp = Math.floor(occurredAt.getTime() / 1_000);
      const event = {
        event_name: meterEvent,
        identifier: identifierOf(sessionId),
        timestamp,
        payload: { stripe_customer_id: customerId, value: String(units) },
      };
      await classified(() =>
        stripe.billing.meterEvents.create(event, { idempotencyKey: `${identifierOf(sessionId)}-usage-${timestamp}` }),
      );
    },
    async deleteCustomer(customerId) {
      await classified(async () => {
        try {
          await stripe.customers.del(customerId);
        } catch (error) {
          if (!(error instanceof Stripe.errors.StripeError) || error.statusCode !== 404) throw error;
        }
      });
    },
    async voidUsage({ sessionId }) {
      const adjustment = {
        event_name: meterEvent,
        type: 'cancel' as const,
        cancel: { identifier: identifierOf(sessionId) },
      };
      await classified(() =>
        stripe.billing.meterEventAdjustments.create(adjustment, {
          idempotencyKey: `${identifierOf(sessionId)}-void-usage`,
        }),
      );
    },
  };
}

/** What Stripe's meter knows a session's usage by, unique on its side as well. */
function identifierOf(sessionId: string): string {
  return `session-${sessionId}`;
}

function addressOf(apiBase: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const { protocol, hostname, port } = new URL(apiBase);
  const secure = protocol === 'https:';
  return { protocol: secure ? 'https' : 'http', host: hostname, port: port === '' ? (secure ? 443 : 80) : port };
}

const finalErrors = [
  Stripe.errors.StripeInvalidRequestError,
  Stripe.errors.StripeAuthenticationError,
  Stripe.errors.StripePermissionError,
  Stripe.errors.StripeIdempotencyError,
] as const;

/** Gives what is final one of our two names, with Stripe's codes and without its words, which may quote a person. */
async function classified<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Stripe.errors.StripeCardError) {
      throw new CardDeclinedError(`Stripe declined the payment (${codesOf(error)}).`);
    }
    if (finalErrors.some((final) => error instanceof final)) {
      throw new BillingRejectedError(`Stripe refused the request (${codesOf(error)}).`);
    }
    throw error;
  }
}

function codesOf(error: unknown): string {
  if (!(error instanceof Stripe.errors.StripeError)) return 'no code';
  const { type, code, decline_code: decline, param, requestId } = error;
  return [type, code, decline, param, requestId].filter((part) => part !== undefined && part !== '').join(', ');
}
