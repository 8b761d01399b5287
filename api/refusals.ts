import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorTable, type ApiError } from '../domain/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { failure } from './envelope.ts';
import { newRequestId } from './requestState.ts';

/** An answer to what never reaches Express; it has the envelope all the same (G3). */
export interface Refusal {
  requestId: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Makes an answer, with headers beside those of the envelope, and leaves its line in the log, which nobody else does. */
export type Refuse = (error: ApiError, headers?: Readonly<Record<string, string>>) => Refusal;

/** @param line what the log says of each refusal, with the fields that all of them have */
export function createRefuse(
  logger: Logger,
  { message, ...fields }: { message: 'request refused' | 'connection refused'; route?: string },
): Refuse {
  return (error, headers) => {
    const refusal = refusalOf(error, headers);
    const { requestId, status } = refusal;
    logger.info({ requestId, ...fields, status, code: error.code }, message);
    return refusal;
  };
}

function refusalOf(error: ApiError, more: Readonly<Record<string, string>> = {}): Refusal {
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
