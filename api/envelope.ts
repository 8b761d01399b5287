import { z } from 'zod';
import { errorTable, type ApiError, type ErrorCode } from '../domain/errors.ts';

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
    error: z.object({
      code: z.enum(codes),
      details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
      retryable: z.boolean().describe('Whether sending the same request again can help.'),
      help: z.string().optional(),
    }),
  });
}

interface Success<D> {
  success: true;
  data: D;
  message: string;
  timestamp: string;
  requestId: string;
}

export function success<D>(requestId: string, message: string, data: D): Success<D> {
  return { success: true, data, message, timestamp: new Date().toISOString(), requestId };
}

/** What the client is told of an error: its terms in the table, and nothing of ours. */
export function failure(requestId: string, error: ApiError) {
  const { message, retryable, help } = errorTable[error.code];
  return {
    success: false,
    data: null,
    message,
    timestamp: new Date().toISOString(),
    requestId,
    error: {
      code: error.code,
      ...(error.details.length > 0 ? { details: error.details } : {}),
      retryable,
      help,
    },
  };
}
