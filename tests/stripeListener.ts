import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What Stripe answers to a call, by its documented forms. */
export interface StripeAnswer {
  status: number;
  body: object;
}

export const stripeAnswers = {
  customer: { status: 200, body: { id: 'cus_test', object: 'customer' } },
  taken: { status: 200, body: { object: 'billing.meter_event' } },
  declined: {
    status: 402,
    body: { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } },
  },
  refused: {
    status: 400,
    body: { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such meter.' } },
  },
} as const satisfies Record<string, StripeAnswer>;

/** Answers as Stripe does where nothing is wrong. */
export function willing(path: string): StripeAnswer {
  return path === '/v1/customers' ? stripeAnswers.customer : stripeAnswers.taken;
}

/**
 * Listens as Stripe does and answers by `answer`, which can change between calls. It keeps what it was asked, so that a
 * test can count what was charged.
 */
export async function listenAsStripe(
  answer: (path: string, body: URLSearchParams) => StripeAnswer | 'hang up' | 'hold',
) {
  const calls: { path: string; body: URLSearchParams; idempotencyKey: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const key = request.headers['idempotency-key'];
      const body = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
      calls.push({ path, body, idempotencyKey: typeof key === 'string' ? key : undefined });
      const given = answer(path, body);
      // Whoever asked waits for an answer that does not come.
      if (given === 'hold') return;
      if (given === 'hang up') {
        request.socket.destroy();
        return;
      }
      response.writeHead(given.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(given.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    /** Every call that told of a session's usage, by whatever identifier: Stripe counts each identifier once. */
    usageOf: (sessionId: string) =>
      calls.filter(
        ({ path, body }) => path === '/v1/billing/meter_events' && body.get('identifier')?.includes(sessionId) === true,
      ),
    close: (): Promise<void> =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
