import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../tests/until.ts';
import { listenAsReceiver, openWebhook, type ReceiverAnswer } from '../tests/webhookReceiver.ts';
import { createWebhookSecrets } from './webhookSecrets.ts';
import { createWebhookSender, webhookUrlProblem } from './webhookSender.ts';

const masterKeys = [{ id: 'test', key: new Uint8Array(32).fill(7) }];
const secrets = createWebhookSecrets(masterKeys);
const [first, second] = [await secrets.make('one'), await secrets.make('one')];

const sender = createWebhookSender({ allowPrivate: true });
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const receiver of open.splice(0)) await receiver.close();
});

async function receiverThat(answer?: () => ReceiverAnswer) {
  const receiver = await listenAsReceiver(answer);
  open.push(receiver);
  return receiver;
}

const message = (url: string) => ({
  url,
  id: 'msg_1',
  body: '{"type":"session.completed","data":{}}',
  secrets: [first.secret],
});

describe('a webhook (A3)', () => {
  test('is a signed POST that a receiver of Standard Webhooks accepts, and another secret does not', async () => {
    const receiver = await receiverThat();
    expect(await sender.send(message(receiver.url))).toMatchObject({ statusCode: 204, failure: null });
    const [got] = receiver.received;
    if (got === undefined) throw new Error('nothing came');
    expect(got.headers).toMatchObject({ 'webhook-id': 'msg_1', 'content-type': 'application/json' });
    expect(openWebhook(first.secret, got)).toEqual({ type: 'session.completed', data: {} });
    expect(() => openWebhook(second.secret, got)).toThrow();
    expect(() => openWebhook(first.secret, { ...got, body: `${got.body} ` })).toThrow();
  });

  test('of two secrets is accepted by either', async () => {
    const receiver = await receiverThat();
    await sender.send({ ...message(receiver.url), secrets: [second.secret, first.secret] });
    const [got] = receiver.received;
    if (got === undefined) throw new Error('nothing came');
    for (const { secret } of [first, second]) expect(openWebhook(secret, got).type).toBe('session.completed');
  });

  test.each([300, 400, 404, 410, 500, 503])('answered by %i is a failure', async (status) => {
    const receiver = await receiverThat(() => ({ status }));
    expect(await sender.send(message(receiver.url))).toMatchObject({ statusCode: status, failure: 'refused' });
  });

  test('does not follow a redirect', async () => {
    const elsewhere = await receiverThat();
    const receiver = await receiverThat(() => ({ status: 307, headers: { location: elsewhere.url } }));
    expect(await sender.send(message(receiver.url))).toMatchObject({ statusCode: 307, failure: 'refused' });
    expect(elsewhere.connections()).toBe(0);
  });

  test('to a receiver that says nothing times out', async () => {
    const receiver = await receiverThat(() => 'silence');
    const hasty = createWebhookSender({ allowPrivate: true, timeoutMs: 200 });
    // On a slow machine the time may be over before the receiver has it.
    let sent = 0;
    await until(async () => {
      sent += 1;
      expect(await hasty.send(message(receiver.url))).toMatchObject({ statusCode: null, failure: 'timeout' });
      return receiver.received.length > 0;
    });
    expect(receiver.received.length).toBeLessThanOrEqual(sent);
  });

  test('to a receiver that answers without end is delivered, and its answer is let go', async () => {
    const receiver = await receiverThat(() => ({ status: 200, body: 'x'.repeat(50_000_000) }));
    expect(await sender.send(message(receiver.url))).toMatchObject({ statusCode: 200, failure: null });
  });

  test('to a receiver that switches to another protocol instead of answering is no attempt without an end', async () => {
    const receiver = createServer((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
      });
    });
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    open.push({
      close: async () => {
        await once(receiver.close(), 'close');
      },
    });
    const { port } = receiver.address() as AddressInfo;
    expect(await sender.send(message(`http://127.0.0.1:${port}/hook`))).toMatchObject({ failure: 'unreachable' });
  });

  test('to nobody is unreachable', async () => {
    const receiver = await receiverThat();
    await receiver.close();
    expect(await sender.send(message(receiver.url))).toMatchObject({ statusCode: null, failure: 'unreachable' });
  });
});

describe('our own network (A3)', () => {
  const strict = createWebhookSender({ allowPrivate: false });

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '169.254.169.254'])(
    'is out of reach as %s, and nothing is sent',
    async (host) => {
      const receiver = await receiverThat();
      const answer = await strict.send(message(`https://${host}:${receiver.port}/hook`));
      expect(answer).toMatchObject({ statusCode: null, failure: 'private_address' });
      expect(receiver.connections()).toBe(0);
    },
  );

  test('is out of reach for an address that was stored when it was allowed', async () => {
    const receiver = await receiverThat();
    expect(await strict.send(message(receiver.url))).toMatchObject({ failure: 'private_address' });
    expect(receiver.connections()).toBe(0);
  });
});

test.each([
  ['https://example.com/hook', null],
  ['https://example.com:8443/hook?tenant=1', null],
  ['nonsense', 'is not a URL'],
  ['http://example.com/hook', 'must begin with https://'],
  ['ftp://example.com/hook', 'must begin with https://'],
  ['https://me:word@example.com/hook', 'must not carry a name or a password'],
  ['https://10.0.0.1/hook', 'must lead to the public internet'],
  ['https://0x7f000001/hook', 'must lead to the public internet'],
])('of the address %s it is said: %s (A3)', (url, problem) => {
  expect(webhookUrlProblem(url, { allowPrivate: false })).toBe(problem);
});

test('a secret opens for its own endpoint alone, and what is stored does not show it (I5)', async () => {
  expect(await secrets.open('one', first.sealed)).toBe(first.secret);
  expect(Buffer.from(first.sealed).includes(first.secret.slice('whsec_'.length))).toBe(false);
  await expect(secrets.open('another', first.sealed)).rejects.toThrow();
});
