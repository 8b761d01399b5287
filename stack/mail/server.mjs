import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { readJson, replaceFile } from '../files.mjs';
import { listPage, messagePage } from './page.mjs';
import { templateOf } from './templates.mjs';
import { mailErrors } from './validate.mjs';

/**
 * One message to one group of recipients, as it was taken.
 * @typedef {object} Message
 * @property {string} id
 * @property {string} receivedAt ISO 8601
 * @property {string} from
 * @property {string[]} to with cc and bcc
 * @property {string} subject
 * @property {string | null} templateId
 * @property {string | null} templateName
 * @property {Record<string, unknown>} data for the template
 * @property {{type: string, value: string}[]} content
 * @property {string[]} categories
 * @property {Record<string, unknown>} customArgs
 */

const largestBodyBytes = 30 * 1024 * 1024;
const mostMessages = 5_000;

/** @param {{email: string, name?: string}} address */
const written = ({ email, name }) => (name ? `${name} <${email}>` : email);

/**
 * A mail sink: takes SendGrid's `POST /v3/mail/send`, delivers nothing, keeps every message as a file and shows it.
 * @param {object} options
 * @param {string} options.folder
 * @param {string | null} options.apiKey the key it asks for; null takes any
 * @returns {import('node:http').Server}
 */
export function createMailSink({ folder, apiKey }) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  /** @type {Message[]} newest last */
  const messages = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => /** @type {Message[]} */ (readJson(join(folder, name)) ?? []));

  const fileOf = (/** @type {Message} */ message) =>
    join(folder, `${message.receivedAt.replaceAll(':', '')}-${message.id}.json`);

  const keep = (/** @type {Message} */ message) => {
    replaceFile(fileOf(message), `${JSON.stringify([message], null, 2)}\n`);
    messages.push(message);
    for (const old of messages.splice(0, Math.max(0, messages.length - mostMessages)))
      rmSync(fileOf(old), { force: true });
  };

  /**
   * @param {any} body checked by `mailErrors` before
   * @returns {string} the message id
   */
  const take = (body) => {
    const messageId = randomUUID();
    for (const one of body.personalizations) {
      const templateId = body.template_id ?? null;
      const template = templateId === null ? null : templateOf(templateId);
      keep({
        id: body.personalizations.length === 1 ? messageId : randomUUID(),
        receivedAt: new Date().toISOString(),
        from: written(one.from ?? body.from),
        to: [one.to, one.cc, one.bcc].flatMap((addresses) => (addresses ?? []).map(written)),
        subject: one.subject ?? body.subject ?? template?.subject ?? '',
        templateId,
        templateName: template?.name ?? null,
        data: one.dynamic_template_data ?? {},
        content: body.content ?? [],
        categories: body.categories ?? [],
        customArgs: { ...body.custom_args, ...one.custom_args },
      });
    }
    return messageId;
  };

  return createServer((request, response) => {
    const answer = (
      /** @type {number} */ status,
      /** @type {string} */ type,
      /** @type {string} */ body,
      headers = {},
    ) => {
      response.writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const refuse = (/** @type {number} */ status, /** @type {import('./validate.mjs').MailError[]} */ errors) =>
      answer(status, 'application/json', JSON.stringify({ errors }));
    const say = (/** @type {string} */ message) => [{ message, field: null, help: null }];

    // A page elsewhere could otherwise point a name of its own at this address and read the mail.
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!['127.0.0.1', 'localhost', '[::1]'].includes(host)) return refuse(403, say('This address is local.'));

    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
    if (pathname === '/v3/mail/send') {
      if (request.method !== 'POST') return refuse(405, say('method not allowed'));
      const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (!key || (apiKey !== null && key !== apiKey)) {
        return refuse(401, say('The provided authorization grant is invalid, expired, or revoked'));
      }
      if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
        return refuse(415, say('Content-Type should be application/json.'));
      }
      /** @type {Buffer[]} */
      const chunks = [];
      let size = 0;
      request.on('data', (chunk) => {
        size += chunk.length;
        // Read to its end all the same: a client that is still sending would see a broken connection, not the answer.
        if (size <= largestBodyBytes) chunks.push(chunk);
        else chunks.length = 0;
      });
      request.on('end', () => {
        if (size > largestBodyBytes) return refuse(413, say('The total size of your email must be less than 30MB.'));
        /** @type {unknown} */
        let body;
        try {
          body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        } catch {
          return refuse(400, say('Bad Request'));
        }
        const errors = mailErrors(body);
        if (errors.length > 0) return refuse(400, errors);
        return answer(202, 'text/plain', '', { 'x-message-id': take(body) });
      });
      return undefined;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, say('method not allowed'));
    if (pathname === '/healthz') return answer(200, 'text/plain', 'ok\n');
    if (pathname === '/') return answer(200, 'text/html', listPage(messages.toReversed()));
    if (pathname === '/messages.json') {
      const to = searchParams.get('to')?.toLowerCase();
      const found = messages.filter((message) => !to || message.to.some((one) => one.toLowerCase().includes(to)));
      return answer(200, 'application/json', JSON.stringify(found.toReversed()));
    }
    const [, id, json] = /^\/messages\/([0-9a-f-]{36})(\.json)?$/.exec(pathname) ?? [];
    const message = messages.find((one) => one.id === id);
    if (!message) return answer(404, 'text/plain', 'There is no such message.\n');
    return json
      ? answer(200, 'application/json', JSON.stringify(message))
      : answer(200, 'text/html', messagePage(message));
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [, , port = '8025', folder = '.mindpeeker/mail', host = '127.0.0.1'] = argv;
  const server = createMailSink({ folder, apiKey: process.env.SENDGRID_API_KEY || null });
  server.listen(Number(port), host);
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
