import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorTable, type ApiError } from '../domain/errors.ts';
import { failure } from './envelope.ts';
import { newRequestId } from './requestState.ts';

/** An answer to what never reaches Express; it has the envelope all the same (G3). */
export interface Refusal {
  requestId: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @param more headers beside those of the envelope */
export function refusalOf(error: ApiError, more: Readonly<Record<string, string>> = {}): Refusal {
  const requestId = newRequestId();
  const body = JSON.stringify(failure(requestId, error));
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'X-Request-Id': requestId,
    'Content-Length': String(Buffer.byteLength(body)),
    ...more,
  };
  return { requestId, status: errorTable[error.code].status, headers, body };
}

/** Sends it as the answer of Node.js’s own. */
export function answerWith(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, headers).end(body);
}

/** Sends it over a connection that no answer of Node.js's belongs to, and closes that. */
export function endWith(socket: Duplex, { status, headers, body }: Refusal): void {
  const fields = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
  // Whoever does not close in turn would keep half a connection open.
  socket.once('finish', () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...fields, '', body].join('\r\n'));
}
