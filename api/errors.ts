import type { ErrorRequestHandler } from 'express';
import { z } from 'zod';
import { ApiError, errorTable, type ErrorCode, type ErrorDetail } from '../domain/errors.ts';
import { secondMs } from '../domain/time.ts';
import type { Logger } from '../observability/logger.ts';
import { WorkflowUnavailableError } from '../temporal/client.ts';
import { failure } from './envelope.ts';
import { stateOf } from './requestState.ts';

/** The most that is said of one bad body: a sketch can be wrong in a hundred thousand points. */
const maxDetails = 50;

/** Gives every error its place in the table; what is not foreseen is `internal`, and only the log tells more. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof z.ZodError) return new ApiError('validation_failed', detailsOf(error), { cause: error });
  if (someCause(error, isShut)) {
    return new ApiError('maintenance', [], { cause: error, retryAfterMs: maintenanceRetryMs });
  }
  if (someCause(error, isOfErasedAccount)) return new ApiError('unauthenticated', [], { cause: error });
  const code = codeOfParser(error) ?? (someCause(error, isOutage) ? 'temporarily_unavailable' : 'internal');
  return new ApiError(code, [], { cause: error });
}

/**
 * The issues of a request, which is parsed as {params, query, headers, body}. The client reads the path inside the
 * part; an issue of the whole part is named after it.
 */
function detailsOf(error: z.ZodError): ErrorDetail[] {
  return error.issues.flatMap(leavesOf).slice(0, maxDetails);
}

/** Of a union, the branch that fits best: the one that went wrong deepest inside. */
function leavesOf(issue: z.core.$ZodIssue): ErrorDetail[] {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const depth = (branch: z.core.$ZodIssue[]) => Math.max(...branch.map(({ path }) => path.length));
    const missing = (branch: z.core.$ZodIssue[]) => branch.length;
    const [best = []] = issue.errors.toSorted((a, b) => depth(b) - depth(a) || missing(a) - missing(b));
    return best.flatMap((inner) => leavesOf({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  const [part = 'body', ...inside] = issue.path;
  return [{ path: inside.length > 0 ? inside.join('.') : String(part), message: issue.message }];
}

const parserCodes: Record<string, ErrorCode> = {
  'entity.parse.failed': 'malformed_json',
  'request.size.invalid': 'malformed_json',
  'request.aborted': 'malformed_json',
  'entity.too.large': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
};

const parserErrorSchema = z.object({ status: z.int(), type: z.string().optional() });

/** Errors of Express and its body parser carry a status; those of a bad client have one below 500. */
function codeOfParser(error: unknown): ErrorCode | undefined {
  const parsed = parserErrorSchema.safeParse(error);
  if (!parsed.success || parsed.data.status >= 500) return undefined;
  return parserCodes[parsed.data.type ?? ''] ?? 'validation_failed';
}

/** A restore is a matter of minutes. */
const maintenanceRetryMs = 30 * secondMs;

/** How PostgreSQL, Redis, object storage and the sockets below them say that they cannot be reached. */
const outageCodes = /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|08|57P0|53300|3D000|TIMEOUT)/;
/** gRPC's words for the same: deadline exceeded, resource exhausted, unavailable. */
const outageGrpcCodes = [4, 8, 14];
const outageNames = ['TimeoutError', 'ConnectionException', 'NetworkingError'];
const outageWords =
  /Connection terminated|is not queryable|timeout exceeded when trying to connect|Connection is closed|ECONN(REFUSED|RESET)/;

const causeSchema = z.looseObject({
  name: z.string().optional(),
  message: z.string().optional(),
  code: z.unknown().optional(),
  constraint: z.string().optional(),
  cause: z.unknown().optional(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional(),
});

type Cause = z.output<typeof causeSchema>;

/** Whether this is so of an error, or of what caused it. */
function someCause(error: unknown, isSo: (cause: Cause) => boolean, depth = 0): boolean {
  const parsed = causeSchema.safeParse(error);
  if (!parsed.success || depth > 5) return false;
  return (
    isSo(parsed.data) ||
    someCause(parsed.data.cause, isSo, depth + 1) ||
    (error instanceof AggregateError && error.errors.some((inner) => someCause(inner, isSo, depth + 1)))
  );
}

function isOutage({ name = '', message = '', code, $metadata }: Cause): boolean {
  return (
    name === WorkflowUnavailableError.name ||
    (typeof code === 'string' && outageCodes.test(code)) ||
    (typeof code === 'number' && outageGrpcCodes.includes(code)) ||
    outageNames.includes(name) ||
    outageWords.test(message) ||
    ($metadata?.httpStatusCode ?? 0) >= 500
  );
}

/** How PostgreSQL refuses what would belong to an account that was erased since its request was let in. */
function isOfErasedAccount({ code, constraint = '' }: Cause): boolean {
  return code === '23503' && constraint.endsWith('_user_id_foreign');
}

/** How PostgreSQL refuses a connection while a restore has shut the database. */
function isShut({ message = '', code }: Cause): boolean {
  return code === '55000' && message.includes('not currently accepting connections');
}

/** The last middleware: whatever went wrong leaves as an envelope, and what is our fault goes to the log whole. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const apiError = toApiError(error);
    const state = stateOf(response);
    const { status } = errorTable[apiError.code];
    if (status >= 500) {
      logger.error({ ...state.fields, requestId: state.requestId, code: apiError.code, error }, 'a request failed');
    }
    state.fields.code = apiError.code;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    if (status === 503) response.setHeader('Retry-After', '2');
    if (apiError.retryAfterMs !== null) response.setHeader('Retry-After', Math.ceil(apiError.retryAfterMs / secondMs));
    response.status(status).json(failure(state.requestId, apiError));
  };
}
