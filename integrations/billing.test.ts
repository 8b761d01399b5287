import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { BillingRejectedError, CardDeclinedError, createBilling } from './billing.ts';

const { STRIPE_API_BASE, STRIPE_SECRET_KEY = '' } = process.env;

describe("On Stripe's own mock, which checks every request against its API description", () => {
  const billing = createBilling({ secretKey: STRIPE_SECRET_KEY, apiBase: STRIPE_API_BASE });

  test('a customer is made (X1)', async () => {
    expect(await billing.ensureCustomer({ userId: randomUUID(), email: 'person@example.org' })).toMatch(/^cus_/);
  });

  test('usage is recorded, and taken back (X1)', async () => {
    const sessionId = randomUUID();
    await billing.recordUsage({ sessionId, customerId: 'cus_123', units: 1, occurredAt: new Date() });
    await billing.voidUsage({ sessionId });
  });

  test('a customer is ended (X1, I5)', async () => {
    await billing.deleteCustomer('cus_123');
  });

  test('a refusal is final (X1)', async () => {
    const withoutKey = createBilling({ secretKey: 'no key of Stripe', apiBase: STRIPE_API_BASE });
    await expect(withoutKey.voidUsage({ sessionId: randomUUID() })).rejects.toThrow(BillingRejectedError);
  });
});

interface Seen {
  path: string | undefined;
  headers: IncomingMessage['headers'];
  form: Record<string, string>;
}

/** Answers as Stripe documents it, and keeps what it was asked. */
const seen: Seen[] = [];
let next: { status: number; body: object } | 'hang' = { status: 200, body: {} };
const stripe = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    seen.push({ path: request.url, headers: request.headers, form });
    if (next === 'hang') return;
    response.writeHead(next.status, { 'content-type': 'application/json', 'request-id': 'req_abc' });
    response.end(JSON.stringify(next.body));
  });
});
const local = (patience: { timeoutMs?: number } = {}) => {
  const { port } = stripe.address() as AddressInfo;
  return createBilling({ secretKey: 'sk_test_local', apiBase: `http://127.0.0.1:${port}`, ...patience });
};
beforeAll(() => new Promise<void>((resolve) => void stripe.listen(0, '127.0.0.1', resolve)));
beforeEach(() => {
  seen.length = 0;
  next = { status: 200, body: { id: 'cus_9' } };
});
afterAll(() => {
  stripe.closeAllConnections();
  stripe.close();
});

const sessionId = '0f8fad5b-d9cb-469f-a165-70867728950e';
const usage = { sessionId, customerId: 'cus_9', units: 2, occurredAt: new Date('2026-11-23T12:00:00.900Z') };

describe('What Stripe is told', () => {
  test('names the session as the identifier of its usage, under the API version of the specification (X1)', async () => {
    await local().recordUsage(usage);
    expect(seen[0]).toMatchObject({
      path: '/v1/billing/meter_events',
      headers: { 'stripe-version': '2023-10-16', authorization: 'Bearer sk_test_local' },
      form: {
        event_name: 'session_completed',
        identifier: `session-${sessionId}`,
        timestamp: String(Date.parse('2026-11-23T12:00:00Z') / 1_000),
        'payload[stripe_customer_id]': 'cus_9',
        'payload[value]': '2',
      },
    });
  });

  test('carries the same Idempotency-Key at every attempt of a claim, another for each purpose (X1, T1)', async () => {
    const billing = local();
    await billing.recordUsage(usage);
    await billing.recordUsage(usage);
    await billing.voidUsage({ sessionId });
    await billing.ensureCustomer({ userId: 'u-1', email: 'person@example.org' });
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual([
      `session-${sessionId}-usage-1795435200`,
      `session-${sessionId}-usage-1795435200`,
      `session-${sessionId}-void-usage`,
      'customer-u-1',
    ]);
  });

  test('takes usage back by its identifier (X1)', async () => {
    await local().voidUsage({ sessionId });
    expect(seen[0]).toMatchObject({
      path: '/v1/billing/meter_event_adjustments',
      form: { event_name: 'session_completed', type: 'cancel', 'cancel[identifier]': `session-${sessionId}` },
    });
  });

  test('ends a customer, and one that is gone already is no error (X1, I5)', async () => {
    next = { status: 404, body: { error: { type: 'invalid_request_error', code: 'resource_missing' } } };
    await local().deleteCustomer('cus_9');
    expect(seen.map(({ path }) => path)).toEqual(['/v1/customers/cus_9']);
    next = { status: 400, body: { error: { type: 'invalid_request_error', code: 'parameter_invalid' } } };
    await expect(local().deleteCustomer('cus_9')).rejects.toThrow(BillingRejectedError);
  });

  test('is told once a call: trying again is left to the workflow (T1)', async () => {
    next = { status: 500, body: { error: { type: 'api_error', message: 'oops' } } };
    await expect(local().recordUsage(usage)).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });
});

describe('What Stripe answers', () => {
  const failWith = async (status: number, error: object): Promise<unknown> => {
    next = { status, body: { error } };
    return local()
      .recordUsage(usage)
      .catch((thrown: unknown) => thrown);
  };

  test('402: the card was declined, which is final until a person mends it (X1)', async () => {
    const error = await failWith(402, {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      message: 'Your card has insufficient funds.',
    });
    expect(error).toBeInstanceOf(CardDeclinedError);
    expect(String(error)).toContain('card_declined, insufficient_funds');
  });

  test.each([
    [400, 'invalid_request_error', 'parameter_missing'],
    [400, 'idempotency_error', undefined],
    [401, 'invalid_request_error', 'api_key_expired'],
    [403, 'invalid_request_error', undefined],
    [404, 'invalid_request_error', 'resource_missing'],
  ])('%i %s: refused, which is final, and its words are not repeated (X1, I5)', async (status, type, code) => {
    const error = await failWith(status, {
      type,
      code,
      param: 'payload',
      message: 'No such customer: person@example.org',
    });
    expect(error).toBeInstanceOf(BillingRejectedError);
    expect(String(error)).toContain('req_abc');
    expect(String(error)).not.toContain('person@');
  });

  test.each([
    [429, 'invalid_request_error', 'rate_limit'],
    [409, 'idempotency_error', 'idempotency_key_in_use'],
    [500, 'api_error', undefined],
    [503, 'api_error', undefined],
  ])('%i %s: may pass by trying again (X1)', async (status, type, code) => {
    const error = await failWith(status, { type, code, message: 'later' });
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(BillingRejectedError);
    expect(error).not.toBeInstanceOf(CardDeclinedError);
  });

  test('nothing, or no connection: may pass by trying again (X1)', async () => {
    next = 'hang';
    await expect(local({ timeoutMs: 300 }).recordUsage(usage)).rejects.not.toThrow(BillingRejectedError);
    const gone = createBilling({ secretKey: 'sk_test_x', apiBase: 'http://127.0.0.1:1' });
    await expect(gone.recordUsage(usage)).rejects.not.toThrow(BillingRejectedError);
  });
});

test('Stripe itself is reached without an address of ours, and an https address by its port', () => {
  expect(() => createBilling({ secretKey: 'sk_test_x' })).not.toThrow();
  expect(() => createBilling({ secretKey: 'sk_test_x', apiBase: 'https://stripe.example.org' })).not.toThrow();
});
