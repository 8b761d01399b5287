import { z } from 'zod';
import { ApiError, type ErrorCode } from '../domain/errors.ts';
import type { Permission, RateClass } from '../domain/tiers.ts';
import type { LogFields } from '../observability/logger.ts';
import type { Caller } from './auth/caller.ts';
import { idempotencyHeadersSchema } from './idempotency.ts';
import type { Json } from './json.ts';

/**
 * One definition a route: from it come the validation, the types of its handler, and its part of the OpenAPI document.
 */

/** The parts of a request that a route reads, each with its schema. */
interface RequestShape {
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
}

/** A request as it comes in; a route takes what it has a schema for. */
export interface RawRequest {
  params: unknown;
  query: unknown;
  headers: unknown;
  body: unknown;
}

export type RouteMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type RouteTag = 'Accounts' | 'Sessions' | 'Webhooks' | 'Models' | 'Platform' | 'Operations';

/** What the calls of a route are counted as; what watches the platform is not counted. */
export type RouteRateClass = RateClass | 'unlimited';

interface Terms {
  method: RouteMethod;
  /** As OpenAPI writes it: `/v1/sessions/{id}`. */
  path: string;
  tag: RouteTag;
  summary: string;
  description?: string;
}

/** A route whose answer is an envelope. */
export interface JsonRoute extends Terms {
  kind: 'json';
  rateClass: RouteRateClass;
  access: Access;
  request: RequestShape;
  status: 200 | 201 | 202;
  message: string;
  data: z.ZodType;
  /** What it can refuse, beside what every route can. */
  errors: readonly ErrorCode[];
  /** An Idempotency-Key makes it safe to repeat. */
  idempotent: boolean;
  /** Its body may be ten megabytes instead of a hundred kilobytes. */
  takesContent: boolean;
  /** What the handler sets on every success. */
  answerHeaders: readonly SetHeader[];
  /** Its answer stands without an envelope, as a protocol of others wants it; its failures have one. */
  isBare: boolean;
  /** Lets in a caller who shows neither a token nor a key. */
  byCookie: CookieCheck | null;
  /** Where null, it counts as one, before its body is read. */
  costOf: BodyCost | null;
  run: (raw: RawRequest, context: RouteContext) => Promise<unknown>;
}

/** As how many requests a body makes its request count, from 1; it comes before the body is checked. */
export type BodyCost = (body: unknown) => number;

/** A route whose answer is a file that a caller takes away. */
export interface FileRoute extends Omit<
  JsonRoute,
  | 'kind'
  | 'status'
  | 'data'
  | 'idempotent'
  | 'takesContent'
  | 'answerHeaders'
  | 'isBare'
  | 'byCookie'
  | 'costOf'
  | 'run'
> {
  kind: 'file';
  contentType: string;
  run: (raw: RawRequest, context: RouteContext) => Promise<RouteFile>;
}

/** A file, under the name that a browser stores it by. */
export interface RouteFile {
  name: string;
  bytes: Uint8Array;
}

/** A route whose answer is a document of its own form: metrics, keys, the OpenAPI document. */
export interface PlainRoute extends Terms {
  kind: 'plain';
  rateClass: RouteRateClass;
  contentType: string;
  /** Other headers of the answer. */
  headers?: Record<string, string>;
  render: () => string | Promise<string>;
}

export type Route = JsonRoute | FileRoute | PlainRoute;

/**
 * Who may call a route: anybody, or a caller with the permission. Without one it is for the person alone: a log-in is
 * needed, and no API key will do.
 */
type Access = 'public' | { permission?: Permission };

/** The headers that a handler sets on its answer. */
type SetHeader = 'ETag' | 'Location' | 'Set-Cookie';

/** Who shows a cookie, from which web page. @throws ApiError `unauthenticated` */
export type CookieCheck = (headers: { cookie?: string | undefined; origin?: string | undefined }) => Promise<Caller>;

/** What a route answers: the data of the envelope, and the headers that it set. */
export interface RouteAnswer {
  data: unknown;
  headers: Record<string, string>;
}

export interface RouteContext {
  caller: Caller | null;
  /** Where the request comes from, as `networkOf` has it for counting; never logged, kept as a hash at the most. */
  address: string;
  /** Sets a header of the answer. A GET whose `ETag` the client has already is answered 304, without a body. */
  header: (name: SetHeader, value: string) => void;
  /** Adds fields to the log line of this request; never content. */
  note: (fields: LogFields) => void;
}

interface JsonTerms<R extends RequestShape, D extends z.ZodType> extends Terms {
  /** By its method unless given: a GET reads, all else writes. */
  rateClass?: RouteRateClass;
  request: R;
  status?: 200 | 201 | 202;
  message: string;
  data: D;
  errors?: readonly ErrorCode[];
  /** What the handler sets on every success. */
  answerHeaders?: readonly SetHeader[];
  /** For what people record: its body may be ten megabytes instead of a hundred kilobytes. */
  takesContent?: true;
}

/** What a handler answers: a value, or the JSON of one. */
type Answered<D extends z.ZodType> = z.input<D> | Json<z.input<D>>;

type Parsed<R extends RequestShape> = z.output<ReturnType<typeof schemaOf<R>>>;

/** A route that anybody may call. */
export function publicRoute<R extends RequestShape, D extends z.ZodType>(
  terms: JsonTerms<R, D> & { handle: (input: Parsed<R>, context: RouteContext) => Promise<Answered<D>> },
): JsonRoute {
  const parse = parserOf(terms.request);
  return {
    ...terms,
    kind: 'json',
    rateClass: terms.rateClass ?? classOf(terms.method),
    access: 'public',
    status: terms.status ?? 200,
    errors: terms.errors ?? [],
    idempotent: false,
    takesContent: terms.takesContent ?? false,
    answerHeaders: terms.answerHeaders ?? [],
    isBare: false,
    byCookie: null,
    costOf: null,
    run: (raw, context) => terms.handle(parse(raw), context),
  };
}

/** A route that needs a caller with `permission`; where none is named, the person's own log-in. */
export function userRoute<R extends RequestShape, D extends z.ZodType>(
  terms: JsonTerms<R, D> & {
    permission?: Permission;
    /** For a POST that creates: an Idempotency-Key makes it safe to repeat, without a line in the handler. */
    idempotent?: true;
    isBare?: true;
    byCookie?: CookieCheck;
    costOf?: BodyCost;
    handle: (input: Parsed<R>, context: RouteContext & { caller: Caller }) => Promise<Answered<D>>;
  },
): JsonRoute {
  const parse = parserOf(terms.request);
  const { permission, request, idempotent = false } = terms;
  return {
    ...terms,
    kind: 'json',
    request: idempotent ? { ...request, headers: withIdempotencyKey(request) } : request,
    rateClass: terms.rateClass ?? classOf(terms.method),
    access: permission === undefined ? {} : { permission },
    status: terms.status ?? 200,
    errors: [...(terms.errors ?? []), ...(idempotent ? idempotencyErrors : [])],
    idempotent,
    takesContent: terms.takesContent ?? false,
    answerHeaders: terms.answerHeaders ?? [],
    isBare: terms.isBare ?? false,
    byCookie: terms.byCookie ?? null,
    costOf: terms.costOf ?? null,
    run: (raw, { caller, ...context }) => {
      if (caller === null) throw new ApiError('unauthenticated');
      return terms.handle(parse(raw), { ...context, caller });
    },
  };
}

const idempotencyErrors = ['request_in_flight', 'idempotency_key_reused'] as const;

function withIdempotencyKey({ headers = z.object({}) }: RequestShape): z.ZodObject {
  return headers.extend(idempotencyHeadersSchema.shape);
}

/** A route by which a signed-in caller takes a file away. */
export function fileRoute<R extends RequestShape>(
  terms: Omit<FileRoute, 'kind' | 'method' | 'access' | 'request' | 'rateClass' | 'run'> & {
    request: R;
    permission: Permission;
    handle: (input: Parsed<R>, context: RouteContext & { caller: Caller }) => Promise<RouteFile>;
  },
): FileRoute {
  const parse = parserOf(terms.request);
  return {
    ...terms,
    kind: 'file',
    method: 'get',
    rateClass: classOf('get'),
    access: { permission: terms.permission },
    run: (raw, { caller, ...context }) => {
      if (caller === null) throw new ApiError('unauthenticated');
      return terms.handle(parse(raw), { ...context, caller });
    },
  };
}

/** A route that anybody may read, whose answer is no envelope. */
export function plainRoute(
  terms: Omit<PlainRoute, 'kind' | 'method' | 'rateClass'> & { rateClass?: RouteRateClass },
): PlainRoute {
  return { ...terms, kind: 'plain', method: 'get', rateClass: terms.rateClass ?? classOf('get') };
}

function classOf(method: RouteMethod): RateClass {
  return method === 'get' ? 'read' : 'write';
}

/** Parsing all parts at once makes every path begin with its part. */
function schemaOf<R extends RequestShape>(request: R) {
  return z.object(request);
}

/** @throws z.ZodError */
function parserOf<R extends RequestShape>(request: R): (raw: RawRequest) => Parsed<R> {
  const schema = schemaOf(request);
  return (raw) => schema.parse(raw);
}
