import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** What a receiver got. */
interface ReceivedWebhook {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What a receiver answers; `silence` keeps the connection open and says nothing. */
export type ReceiverAnswer = { status: number; headers?: Record<string, string>; body?: string } | 'silence';

/** Listens as a person's own system does; `answer` can change between calls. */
export async function listenAsReceiver(answer: (path: string) => ReceiverAnswer = () => ({ status: 204 })) {
  const received: ReceivedWebhook[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const path = request.url ?? '';
      received.push({ path, headers, body: Buffer.concat(chunks).toString('utf8') });
      const given = answer(path);
      if (given === 'silence') return;
      response.writeHead(given.status, given.headers);
      response.end(given.body);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    connections: () => connections,
    close: (): Promise<void> =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Reads a webhook as a receiver does that checks its signature. @throws when the signature is not this secret's */
export function openWebhook(
  secret: string,
  { body, headers }: ReceivedWebhook,
): { type: string; timestamp: string; data: Record<string, unknown> } {
  return new Webhook(secret).verify(body, headers) as ReturnType<typeof openWebhook>;
}
