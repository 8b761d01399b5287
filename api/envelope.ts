import { z } from 'zod';
import { errorTable, type ApiError, type ErrorCode } from '../domain/errors.ts';
import { Json } from './json.ts';

/** The form of every JSON answer (G3). */

const timestampSchema = z.iso.datetime().describe('When the answer was made.');
const requestIdSchema = z.string().describe('Names this request in our logs; also in the header X-Request-Id.');

/** The envelope of an answer that carries `data`. */
export function successSchema<D extends z.ZodType>(data: D) {
  return z.object({
    success: z.literal(true),
    data,
    message: z.string(),
    timestamp: timestampSchema,
    requestId: requestIdSchema,
  });
}

/** The envelope of an answer that failed, with the codes that it can have. */
export function failureSchema(codes: readonly [ErrorCode, ...ErrorCode[]]) {
  return z.object({
    success: z.literal(false),
    data: z.null(),
    message: z.string(),
    timestamp: timestampSchema,
    requestId: requestIdSchema,
    error: errorSchema(z.enum(codes)),
  });
}

/** What is said of an error, in an envelope or beside others. */
export function errorSchema<C extends z.ZodType>(code: C) {
  return z.object({
    code,
    details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    retryable: z.boolean().describe('Whether sending the same request again can help.'),
    help: z.string(),
  });
}

/** The envelope of a success, as it is sent. */
export function success(requestId: string, message: string, data: unknown): Buffer {
  const rest = JSON.stringify({ message, timestamp: new Date().toISOString(), requestId }).slice(1);
  const bytes = data instanceof Json ? data.bytes : Buffer.from(JSON.stringify(data));
  return Buffer.concat([successStart, bytes, Buffer.from(`,${rest}`)]);
}

const successStart = Buffer.from('{"success":true,"data":');

/** What the client is told of an error: its terms in the table, and nothing of ours. */
export function failure(requestId: string, error: ApiError) {
  return {
    success: false,
    data: null,
    message: errorTable[error.code].message,
    timestamp: new Date().toISOString(),
    requestId,
    error: failureOf(error),
  };
}

/** An error in the words of the table. */
export function failureOf({ code, details }: ApiError) {
  const { retryable, help } = errorTable[code];
  return { code, ...(details.length > 0 ? { details: [...details] } : {}), retryable, help };
}
