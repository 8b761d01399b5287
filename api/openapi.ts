import type { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverrideContext,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import { errorTable, type ErrorCode } from '../domain/errors.ts';
import { keyPermissions, type Permission } from '../domain/tiers.ts';
import { clientVersionHeader } from './clientVersion.ts';
import { answerHeaders, headersOf, knowsUnchanged } from './answerHeaders.ts';
import { failureSchema, successSchema } from './envelope.ts';
import { examples } from './examples/all.ts';
import type { Example } from './examples/example.ts';
import { storyEnds } from './examples/story.ts';
import type { FileRoute, JsonRoute, PlainRoute, Route, RouteTag } from './route.ts';

const tags: Record<RouteTag, string> = {
  Accounts: 'Who you are: register, sign in, stay signed in.',
  Sessions: 'Record a session, have it analyzed, read what came of it.',
  Webhooks: 'Have systems of yours told of your sessions, and see how that goes.',
  Models: 'What sessions are analyzed with, how it fares, and who changed it.',
  Platform: 'The totals.',
  Operations: 'For those who run the platform.',
};

const description = `Record remote viewing, dowsing, precognition and intuitive-analysis sessions, and read what the models make of them.
Every score stands beside what chance gives.

**Live updates**: Socket.IO at the path \`/v1/ws\`, with \`auth: {token}\` in the handshake. Emit \`subscribe\` with
\`{sessionId, after?}\`; it is acknowledged with \`{ok: true, lastSeq}\` or \`{ok: false, error}\`. Every event of the session
with a number greater than \`after\` (0 unless given) then arrives as \`session_update\`, in order and without gaps.
A connection counts as one read when it is opened, and beyond the limit it is answered 429 with \`Retry-After\`.
Operators emit \`{trainingId}\` instead and get a training's newest state as \`training_update\`, until it has ended.

The examples tell one made-up story. In those of answers, long lists are cut.`;

/** The OpenAPI 3.1 document, made from the same schemas that validate. It is made once, at start. */
export function createOpenApiDocument(routes: readonly Route[]) {
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: 'MindPeeker API', version: '1.0.0', description },
      servers: serversAt('/v1'),
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: {
        headers: headerComponents,
        examples: failureExamples,
        securitySchemes: {
          accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          apiKey: {
            type: 'apiKey',
            in: 'header',
            name: 'X-API-Key',
            description: 'Made at `POST /v1/me/keys`. It comes in place of an access token, never beside one.',
          },
        },
      },
      paths: pathsOf(routes),
    },
    { allowEmptySchema: { unknown: true }, override: leaveFormatsToTheirNames },
  );
}

/** A time or an id says its form by its name; the expression behind it would make the document twice as long. */
function leaveFormatsToTheirNames({ jsonSchema }: ZodOpenApiOverrideContext): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
}

/** The addresses of G1, and before them wherever the document itself was read. */
function serversAt(base: '/v1' | '/') {
  const path = base === '/' ? '' : base;
  return [
    { url: base, description: 'This server' },
    { url: `https://api.mindpeeker.com${path}`, description: 'Production' },
    { url: `https://staging-api.mindpeeker.com${path}`, description: 'Staging' },
    { url: `https://dev-api.mindpeeker.com${path}`, description: 'Development' },
  ];
}

/** Paths stand under `/v1`, as the servers do; the few beside it name their own servers. */
function pathsOf(routes: readonly Route[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const versioned = route.path.startsWith('/v1/');
    const path = documentPathOf(route);
    paths[path] = {
      ...paths[path],
      ...(versioned ? {} : { servers: serversAt('/') }),
      [route.method]: operationOf(route),
    };
  }
  return paths;
}

/** The path of a route as the document has it. */
export function documentPathOf({ path }: Route): string {
  return path.replace(/^\/v1(?=\/)/, '');
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { summary, description, tag } = route;
  return {
    operationId: operationIdOf(route),
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(route.kind === 'plain' ? plainParts(route) : callParts(route)),
  };
}

/** `POST /v1/sessions/{id}/cancel` is `postSessionsIdCancel`, so clients made from the document can be read. */
function operationIdOf({ method, path }: Route): string {
  const words = path.replace(/^\/v1/, '').split(/[^A-Za-z]+/);
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function callParts(route: JsonRoute | FileRoute): Omit<ZodOpenApiOperationObject, 'tags'> {
  const { params, query, headers, body } = route.request;
  const header = headers === undefined ? clientVersionHeader : headers.extend(clientVersionHeader.shape);
  return {
    security: securityOf(route),
    requestParams: { header, ...(params ? { path: params } : {}), ...(query ? { query } : {}) },
    ...(body ? { requestBody: { required: true, content: jsonContent(body, requestsOf(route)) } } : {}),
    responses: {
      ...(route.kind === 'file' ? fileAnswer(route) : jsonAnswer(route)),
      ...failuresOf(route),
    },
  };
}

/** An access token or, where one can be made for it, an API key; what either needs is named as OpenAPI 3.1 allows. */
function securityOf({ access }: JsonRoute | FileRoute): Record<string, string[]>[] {
  if (access === 'public') return [];
  const { permission } = access;
  if (permission === undefined) return [{ accessToken: [] }];
  const forKeys: readonly Permission[] = keyPermissions;
  const needed = [permission];
  return [{ accessToken: needed }, ...(forKeys.includes(permission) ? [{ apiKey: needed }] : [])];
}

function jsonAnswer(route: JsonRoute) {
  const { status, message, data, isBare } = route;
  const answers = examplesOf(route).map(({ title, at, answer }) => ({
    title,
    value: isBare ? answer : { success: true, data: answer, message, timestamp: at ?? storyEnds, requestId },
  }));
  const content = jsonContent(isBare ? data : successSchema(data), answers);
  const answer = { [`${status}`]: { description: message, headers: headerReferences(route, status), content } };
  if (!knowsUnchanged(route)) return answer;
  return { ...answer, '304': { description: 'It is as the client has it.', headers: headerReferences(route, 304) } };
}

/** The examples of a route; the document can be made without, and a test asks for them. */
function examplesOf({ method, path }: JsonRoute | FileRoute): readonly Example[] {
  const found = examples[`${method.toUpperCase()} ${path}`] ?? [];
  return 'answer' in found ? [found] : found;
}

function requestsOf(route: JsonRoute | FileRoute): ShownExample[] {
  return examplesOf(route).map(({ title, request }) => ({ title, value: request }));
}

interface ShownExample {
  title: string | undefined;
  value: unknown;
}

/** One example stands alone, several by their titles. */
function jsonContent<S extends z.ZodType>(schema: S, shown: readonly ShownExample[]) {
  const [only, ...others] = shown;
  const several = shown.map(({ title = '', value }) => [title, { value }] as const);
  const kept = others.length > 0 ? { examples: Object.fromEntries(several) } : only && { example: only.value };
  return { 'application/json': { schema, ...kept } };
}

function fileAnswer(route: FileRoute) {
  const { message, contentType } = route;
  return {
    '200': {
      description: message,
      headers: headerReferences(route, 200),
      content: { [contentType]: { schema: { type: 'string' } as const } },
    },
  };
}

const requestId = answerHeaders['X-Request-Id'].example;

/** What each error looks like, once for all routes. */
const failureExamples = Object.fromEntries(
  Object.entries(errorTable).map(([code, { message, retryable, help }]) => {
    const error = { code, retryable, help };
    return [code, { value: { success: false, data: null, message, timestamp: storyEnds, requestId, error } }];
  }),
);

/** Each header once as it always comes, and once as it may. */
const headerComponents = Object.fromEntries(
  Object.entries(answerHeaders).flatMap(([name, { description, pattern, example }]) => {
    const terms = { description, schema: { type: 'string' as const, pattern }, example };
    return [
      [name, { ...terms, required: true }],
      [`${name}-sometimes`, terms],
    ];
  }),
);

function headerReferences(route: JsonRoute | FileRoute, status: number) {
  return Object.fromEntries(
    [...headersOf(route, status)].map(([name, always]) => [
      name,
      { $ref: `#/components/headers/${always ? name : `${name}-sometimes`}` },
    ]),
  );
}

function failuresOf(route: JsonRoute | FileRoute) {
  const byStatus = Map.groupBy(codesOf(route), (code) => errorTable[code].status);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, [first, ...others]]) => [
        String(status),
        {
          description: [first, ...others].map((code) => (code ? errorTable[code].message : '')).join(' '),
          headers: headerReferences(route, status),
          content: first ? { 'application/json': failureContent([first, ...others]) } : {},
        },
      ]),
  );
}

function failureContent(codes: readonly [ErrorCode, ...ErrorCode[]]) {
  return {
    schema: namedFailure(codes),
    examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
  };
}

/** Failures with the same codes, each described once for all routes. */
const namedFailures = new Map<string, ReturnType<typeof failureSchema>>();

function namedFailure(codes: readonly [ErrorCode, ...ErrorCode[]]) {
  const id = `Failure.${[...codes].sort().join('.')}`;
  const known = namedFailures.get(id) ?? failureSchema(codes).meta({ id });
  namedFailures.set(id, known);
  return known;
}

/** Every code that a route can answer: its own, and those that follow from what it takes. */
function codesOf({ access, request, errors, rateClass }: JsonRoute | FileRoute): ErrorCode[] {
  const codes = new Set<ErrorCode>([
    'validation_failed',
    ...errors,
    'client_outdated',
    'internal',
    'temporarily_unavailable',
    'maintenance',
  ]);
  if (rateClass !== 'unlimited') codes.add('rate_limited');
  if (access !== 'public') (['unauthenticated', 'forbidden'] as const).forEach((code) => codes.add(code));
  if (request.body)
    (['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const).forEach((code) => codes.add(code));
  return [...codes];
}

function plainParts({ contentType, summary }: PlainRoute): Omit<ZodOpenApiOperationObject, 'tags'> {
  const [mediaType = contentType] = contentType.split(';');
  return {
    security: [],
    responses: {
      '200': {
        description: summary,
        content: { [mediaType]: { schema: { type: mediaType === 'application/json' ? 'object' : 'string' } } },
      },
    },
  };
}
