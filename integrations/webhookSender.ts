import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Webhook } from 'standardwebhooks';
import { secondMs } from '../domain/time.ts';
import type { AttemptFailure } from '../domain/webhooks.ts';
import { isPrivateHost, lookupPublic, PrivateAddressError } from './publicAddress.ts';

/** What is sent in one attempt. */
export interface WebhookMessage {
  url: string;
  /** Stays the same over all attempts, so that a receiver can tell a message that it has. */
  id: string;
  body: string;
  /** `whsec_…`; each of them signs. */
  secrets: readonly string[];
}

/** How an attempt went; no failure is a 2xx. Of the answer nothing but its status is kept. */
export interface WebhookAnswer {
  statusCode: number | null;
  failure: Exclude<AttemptFailure, 'inactive'> | null;
  durationMs: number;
}

/**
 * Sends webhooks in the form of Standard Webhooks (https://www.standardwebhooks.com), to the public internet alone.
 * It follows no redirect and reuses no connection.
 */
export interface WebhookSender {
  send(message: WebhookMessage): Promise<WebhookAnswer>;
}

export interface WebhookSenderOptions {
  /** Plain HTTP and addresses outside the public internet are allowed: for development and tests. */
  allowPrivate: boolean;
  /** The longest one attempt takes, from the resolution of the name to the end of the answer. Default 15,000. */
  timeoutMs?: number;
}

/** What is read of an answer before the connection is closed. */
const maxAnswerBytes = 4 * 1024;

/** What is wrong with an address for webhooks, in words for its owner; null when nothing is. */
export function webhookUrlProblem(text: string, { allowPrivate }: { allowPrivate: boolean }): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must not carry a name or a password';
  if (!allowPrivate && isPrivateHost(url)) return 'must lead to the public internet';
  return null;
}

/** Connects only to what is public in the moment of the attempt, unless private addresses are allowed. */
export function createWebhookSender({ allowPrivate, timeoutMs = 15 * secondMs }: WebhookSenderOptions): WebhookSender {
  async function post(message: WebhookMessage, signal: AbortSignal): Promise<number> {
    const url = new URL(message.url);
    // The settings may have changed since the address was stored.
    if (webhookUrlProblem(message.url, { allowPrivate }) !== null) throw new PrivateAddressError('Not allowed');
    const body = Buffer.from(message.body);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { request } = url.protocol === 'https:' ? https : http;
      request(
        url,
        {
          method: 'POST',
          agent: false,
          signal,
          headers: { ...signedHeaders(message), 'Content-Length': body.byteLength },
          ...(allowPrivate ? {} : { lookup: lookupPublic }),
        },
        resolve,
      )
        .on('error', reject)
        // One that switches to another protocol ends so, with neither an answer nor an error.
        .on('close', () => {
          reject(new Error('The connection was closed without an answer'));
        })
        .end(body);
    });
    await drain(answer);
    return answer.statusCode ?? 0;
  }

  return {
    async send(message) {
      const startedAt = performance.now();
      const signal = AbortSignal.timeout(timeoutMs);
      const outcome = await post(message, signal).then(
        (statusCode) => ({ statusCode, failure: isSuccess(statusCode) ? null : ('refused' as const) }),
        (error: unknown) => ({ statusCode: null, failure: failureOf(error, signal) }),
      );
      return { ...outcome, durationMs: Math.round(performance.now() - startedAt) };
    },
  };
}

/** Several signatures are parted by a space; a receiver accepts the message when one of them is right. */
function signedHeaders({ id, body, secrets }: WebhookMessage): Record<string, string> {
  const now = new Date();
  return {
    'Content-Type': 'application/json',
    'User-Agent': 'MindPeeker-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / secondMs)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
  };
}

/**
 * Lets the receiver finish its answer, up to a limit. The status has come by then, so an answer that breaks off after it
 * counts all the same.
 */
async function drain(answer: IncomingMessage): Promise<void> {
  let read = 0;
  await new Promise<void>((resolve) => {
    answer
      .on('data', (chunk: Buffer) => {
        read += chunk.byteLength;
        if (read > maxAnswerBytes) answer.destroy();
      })
      .on('error', () => {
        resolve();
      })
      .on('close', resolve);
  });
}

function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function failureOf(error: unknown, signal: AbortSignal): Exclude<AttemptFailure, 'inactive' | 'refused'> {
  if (error instanceof PrivateAddressError) return 'private_address';
  return signal.aborted ? 'timeout' : 'unreachable';
}
