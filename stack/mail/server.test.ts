import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sendgrid from '@sendgrid/mail';
import { createMailSink } from './server.mjs';

const apiKey = 'SG.local.key';
let folder: string;
let server: Server;
let base: string;

const open = async () => {
  server = createMailSink({ folder, apiKey }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  base = `http://127.0.0.1:${address.port}`;
};
const close = async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mindpeeker-mail-'));
  await open();
});
afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

/** SendGrid's own client, pointed at the sink. */
function client(key = apiKey) {
  sendgrid.setApiKey(key);
  // The typing lacks it, and setApiKey has just set the real address.
  const inner = (sendgrid as unknown as { client: { setDefaultRequest(name: string, value: string): void } }).client;
  inner.setDefaultRequest('baseUrl', base);
  return sendgrid;
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${base}/v3/mail/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const sound = {
  personalizations: [{ to: [{ email: 'ada@example.org' }] }],
  from: { email: 'hello@mindpeeker.example' },
  subject: 'Hello',
  content: [{ type: 'text/plain', value: 'Hello Ada' }],
};

/** The errors of a refused message. */
async function errorsOf(response: Response) {
  return ((await response.json()) as { errors: { message: string; field: string | null; help: null }[] }).errors;
}

const messages = async (query = '') =>
  (await (await fetch(`${base}/messages.json${query}`)).json()) as { id: string; to: string[]; subject: string }[];

describe('The mail sink speaks SendGrid v3 (X2)', () => {
  test("takes a template message of SendGrid's own client and keeps its data", async () => {
    const [response] = await client().send({
      to: { email: 'ada@example.org', name: 'Ada' },
      from: 'hello@mindpeeker.example',
      templateId: 'd-1122334455',
      dynamicTemplateData: { sessionId: 'a1' },
    });
    expect(response.statusCode).toBe(202);
    const { 'x-message-id': id } = response.headers as Record<string, string>;
    expect(await messages()).toMatchObject([
      { id, to: ['Ada <ada@example.org>'], templateName: 'analysis_complete', data: { sessionId: 'a1' } },
    ]);
  });

  test('keeps one message for each personalization', async () => {
    const response = await post({
      ...sound,
      personalizations: ['ada', 'bob'].map((name) => ({ to: [{ email: `${name}@example.org` }] })),
    });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
    expect(await messages('?to=bob')).toMatchObject([{ to: ['bob@example.org'] }]);
    expect(await messages()).toHaveLength(2);
  });

  test('has its messages still after a restart', async () => {
    await post(sound);
    await close();
    await open();
    expect(await messages()).toMatchObject([{ subject: 'Hello' }]);
  });

  test("answers a wrong key as SendGrid does, so that its client's error says so", async () => {
    await expect(
      client('SG.wrong').send({
        to: 'ada@example.org',
        from: 'hello@mindpeeker.example',
        subject: 'Hello',
        text: 'Hello',
      }),
    ).rejects.toMatchObject({
      code: 401,
      response: {
        body: { errors: [{ message: expect.stringContaining('authorization'), field: null, help: null }] },
      },
    });
    expect((await post(sound, { authorization: '' })).status).toBe(401);
    expect(await messages()).toEqual([]);
  });

  test.each<[string, string | null, unknown]>([
    ['no recipients', 'personalizations', { ...sound, personalizations: [] }],
    ['a recipient list that is empty', 'personalizations.0.to', { ...sound, personalizations: [{ to: [] }] }],
    [
      'an address that is none',
      'personalizations.0.to.0.email',
      { ...sound, personalizations: [{ to: [{ email: 'ada' }] }] },
    ],
    [
      'the same address twice',
      'personalizations.0',
      { ...sound, personalizations: [{ to: [{ email: 'a@b.c' }, { email: 'A@b.c' }] }] },
    ],
    ['no sender', 'from', { ...sound, from: undefined }],
    ['no subject', 'subject', { ...sound, subject: undefined }],
    ['no content', 'content', { ...sound, content: undefined }],
    ['content that is empty', 'content.0.value', { ...sound, content: [{ type: 'text/plain', value: '' }] }],
    ['a template id of another form', 'template_id', { ...sound, template_id: 'welcome' }],
    [
      'template data that is a list',
      'personalizations.0.dynamic_template_data',
      { ...sound, personalizations: [{ to: [{ email: 'a@b.c' }], dynamic_template_data: [] }] },
    ],
    ['a field that SendGrid does not know', 'text', { ...sound, text: 'Hello' }],
    ['something that is no object', null, []],
  ])('refuses %s with 400 and the field, and keeps nothing', async (_what, field, body) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect((await errorsOf(response)).map((error) => error.field)).toContain(field);
    expect(await messages()).toEqual([]);
  });

  test('refuses what is no JSON, another content type, another method and more than 30 MB', async () => {
    expect((await post('{')).status).toBe(400);
    expect((await post(sound, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await fetch(`${base}/v3/mail/send`)).status).toBe(405);
    expect((await post(' '.repeat(30 * 1024 * 1024 + 1))).status).toBe(413);
  });

  test('shows a message on a page where nothing of it is executed', async () => {
    await post({
      ...sound,
      subject: '<script>alert(1)</script>',
      content: [{ type: 'text/html', value: '<b onclick="x()">hi</b>' }],
    });
    const list = await fetch(base);
    expect(list.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await list.text()).not.toContain('<script>');
    const [message] = await messages();
    const page = await (await fetch(`${base}/messages/${message?.id ?? ''}`)).text();
    expect(page).not.toContain('<script>');
    expect(page).toContain('<iframe sandbox');
    expect((await fetch(`${base}/messages/${'0'.repeat(36)}`)).status).toBe(404);
  });
});
