import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMailSink } from '../stack/mail/server.mjs';
import { createMailer, MailRejectedError } from './mailer.ts';

const apiKey = 'SG.local.key';
const from = 'no-reply@mindpeeker.example';
const confirmUrl = 'https://app.example.org/account/confirm#token';
const analysis = {
  to: 'person@example.org',
  username: 'person',
  sessionId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  sessionType: 'remote_viewing' as const,
  sessionUrl: 'https://app.example.org/sessions/0f8fad5b-d9cb-469f-a165-70867728950e',
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

describe('A mail', () => {
  let folder: string;
  let sink: Server;
  let apiBase: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mail-'));
    sink = createMailSink({ folder, apiKey });
    apiBase = await listen(sink);
  });
  afterAll(async () => {
    close(sink);
    await rm(folder, { recursive: true });
  });
  const messages = async (): Promise<Record<string, unknown>[]> => {
    const page: unknown = await (await fetch(`${apiBase}/messages.json`)).json();
    return (Array.isArray(page) ? page : (page as { messages: unknown[] }).messages) as Record<string, unknown>[];
  };

  test("of each kind is taken by a strict reader of SendGrid's v3 form, with the specified template (X2)", async () => {
    const mailer = createMailer({ apiKey, apiBase, from });
    await mailer.sendWelcome({ to: 'new@example.org', username: 'new', confirmUrl });
    await mailer.sendAnalysisComplete(analysis);
    await mailer.sendPasswordReset({ to: 'lost@example.org', username: 'lost', resetUrl: 'https://x.example/#r' });
    await mailer.sendConfirmation({ to: 'moved@example.org', username: 'moved', confirmUrl });
    const plain = (await messages()).filter(({ templateId }) => templateId === null);
    expect(plain).toHaveLength(2);
    expect(JSON.stringify(plain)).toContain('https://x.example/#r');
    const byTemplate = Object.fromEntries<unknown>(
      (await messages()).map((message) => [String(message.templateId), message] as const),
    );
    expect(byTemplate['d-1234567890']).toMatchObject({
      to: ['new@example.org'],
      data: { username: 'new', confirm_url: confirmUrl },
      customArgs: { mail: 'welcome' },
    });
    expect(byTemplate['d-1122334455']).toMatchObject({
      to: ['person@example.org'],
      data: { username: 'person', session_type: 'remote viewing', session_url: analysis.sessionUrl },
      customArgs: { mail: 'analysis_complete', session_id: analysis.sessionId },
    });
  });

  test('refused for its address or our key is final, and the refusal quotes no address (X2, I5)', async () => {
    const refusals = [
      createMailer({ apiKey, apiBase, from }).sendWelcome({ to: 'no address', username: 'x', confirmUrl }),
      createMailer({ apiKey: 'SG.wrong', apiBase, from }).sendWelcome({
        to: 'a@example.org',
        username: 'x',
        confirmUrl,
      }),
    ];
    for (const refusal of refusals) {
      await expect(refusal).rejects.toThrow(MailRejectedError);
      await expect(refusal).rejects.not.toThrow(/no address|a@example/);
    }
    await expect(refusals[0]).rejects.toThrow(/400, personalizations\.0\.to\.0\.email/);
  });
});

describe('What SendGrid answers', () => {
  let status = 0;
  let body = '';
  const requests: { authorization: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ authorization: request.headers.authorization, body: Buffer.concat(chunks).toString() });
      if (status === 0) return;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body);
    });
  });
  let apiBase: string;
  let mailer: ReturnType<typeof createMailer>;
  beforeAll(async () => {
    apiBase = await listen(server);
    mailer = createMailer({ apiKey, apiBase, from });
  });
  afterAll(() => {
    close(server);
  });

  test('202: sent, under our key, with nothing in it but the person and the session (X2, I5)', async () => {
    [status, body] = [202, ''];
    await mailer.sendAnalysisComplete(analysis);
    expect(requests[0]?.authorization).toBe(`Bearer ${apiKey}`);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      from: { email: from, name: 'MindPeeker' },
      personalizations: [
        {
          to: [{ email: analysis.to }],
          dynamic_template_data: {
            username: 'person',
            session_type: 'remote viewing',
            session_url: analysis.sessionUrl,
          },
        },
      ],
      custom_args: { mail: 'analysis_complete', session_id: analysis.sessionId },
      template_id: 'd-1122334455',
    });
  });

  test.each([400, 401, 403, 413])('%i: refused, which is final (X2)', async (answer) => {
    [status, body] = [answer, '{"errors":[{"message":"no","field":null}]}'];
    await expect(mailer.sendAnalysisComplete(analysis)).rejects.toThrow(
      new MailRejectedError(`SendGrid refused the mail (${answer}).`),
    );
    [status, body] = [answer, 'not JSON'];
    await expect(mailer.sendAnalysisComplete(analysis)).rejects.toThrow(MailRejectedError);
  });

  test.each([408, 429, 500, 503])('%i: may pass by trying again (X2)', async (answer) => {
    [status, body] = [answer, ''];
    await expect(mailer.sendAnalysisComplete(analysis)).rejects.not.toThrow(MailRejectedError);
  });

  test('nothing: may pass by trying again (X2)', async () => {
    status = 0;
    const hasty = createMailer({ apiKey, apiBase, from, timeoutMs: 300 });
    await expect(hasty.sendAnalysisComplete(analysis)).rejects.not.toThrow(MailRejectedError);
  });
});
