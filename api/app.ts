import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { ApiError } from '../domain/errors.ts';
import { attachmentRoutes } from './attachments/routes.ts';
import { accountRoutes } from './accounts/routes.ts';
import { queueRoutes } from './admin/queueRoutes.ts';
import { codecRoutes } from './admin/codecRoutes.ts';
import { actionRoutes } from './admin/actionRoutes.ts';
import { auditRoutes } from './admin/auditRoutes.ts';
import { bulkRoutes } from './admin/bulkRoutes.ts';
import { configRoutes } from './admin/configRoutes.ts';
import { operatorsSessionRoutes } from './admin/sessionRoutes.ts';
import { createAdmission, type Admission } from './admission.ts';
import type { Caller } from './auth/caller.ts';
import { authRoutes } from './auth/routes.ts';
import { holdToVersions } from './clientVersion.ts';
import type { ApiDeps } from './deps.ts';
import { docsAssets, docsRoutes } from './docs.ts';
import { success } from './envelope.ts';
import { edgeOf } from './edge.ts';
import { isKnown } from './entityTags.ts';
import { answerErrors } from './errors.ts';
import { createIdempotency, idempotencyKeyOf, type Idempotency } from './idempotency.ts';
import { keyRoutes } from './keys/routes.ts';
import { modelRoutes } from './models/routes.ts';
import { trainingRoutes } from './models/trainings.ts';
import { refuseDeepNesting } from './nesting.ts';
import { networkOf, trustIn } from './network.ts';
import { createOpenApiDocument } from './openapi.ts';
import { outcomeRoutes } from './outcomes/routes.ts';
import { platformRoutes } from './platform/routes.ts';
import { privacyRoutes } from './privacy/routes.ts';
import { stateOf } from './requestState.ts';
import {
  plainRoute,
  type FileRoute,
  type RouteContext,
  type JsonRoute,
  type PlainRoute,
  type Route,
  type RouteAnswer,
} from './route.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { observeRequests } from './telemetry.ts';
import { webhookRoutes } from './webhooks/routes.ts';

/** Every route of the gateway; what is not here does not exist, and what is here stands in the OpenAPI document. */
export function createRoutes(deps: ApiDeps): Route[] {
  const routes = [
    ...authRoutes(deps),
    ...privacyRoutes(deps),
    ...accountRoutes(deps),
    ...keyRoutes(deps),
    ...sessionRoutes(deps),
    ...attachmentRoutes(deps),
    ...outcomeRoutes(deps),
    ...webhookRoutes(deps),
    // Before the models: no model is called "trainings".
    ...trainingRoutes(deps),
    ...modelRoutes(deps),
    ...platformRoutes(deps),
    ...configRoutes(deps),
    ...codecRoutes(deps),
    ...queueRoutes(deps),
    ...operatorsSessionRoutes(deps),
    ...actionRoutes(deps),
    ...bulkRoutes(deps),
    ...auditRoutes(deps),
    ...docsRoutes,
  ];
  const openApi = plainRoute({
    path: '/v1/openapi.json',
    tag: 'Operations',
    summary: 'This document',
    contentType: 'application/json',
    headers: { 'Cache-Control': 'public, max-age=300' },
    render: () => document,
  });
  const all = [...routes, openApi];
  const document = JSON.stringify(createOpenApiDocument(all));
  return all;
}

/** The gateway as an Express application: what stands in front of the routes, the routes, and what catches the rest. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  // Every answer has its own requestId, so an entity tag would never match.
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('trust proxy', trustIn(deps.trustedProxies));

  app.use(observeRequests(deps));
  app.use(...edgeOf(deps));
  app.use(holdToVersions(deps.systemConfig));
  app.use(...docsAssets());
  mount(app, createRoutes(deps), { admission: createAdmission(deps), idempotency: createIdempotency(deps) });
  app.use(() => {
    throw new ApiError('not_found');
  });
  app.use(answerErrors(deps.logger));
  return app;
}

/** What stands between a request and its route. */
interface Gates {
  admission: Admission;
  idempotency: Idempotency;
}

function mount(app: Express, routes: readonly Route[], gates: Gates): void {
  for (const [path, here] of Map.groupBy(routes, (route) => expressPath(route.path))) {
    const at = app.route(path);
    at.all((_request, response, next) => {
      stateOf(response).route = here[0]?.path ?? path;
      next();
    });
    for (const route of here) {
      at[route.method](gates.admission.admit(route), ...handlersOf(route, gates));
    }
    at.all(refuseMethod(here));
  }
}

type Handler = RequestHandler | ErrorRequestHandler;

function handlersOf(route: Route, gates: Gates): Handler[] {
  switch (route.kind) {
    case 'json':
      return jsonHandlers(route, gates);
    case 'file':
      return [fileHandler(route, gates)];
    case 'plain':
      return [plainHandler(route)];
  }
}

/** Express writes `:id` where OpenAPI writes `{id}`. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function jsonHandlers(route: JsonRoute, { admission, idempotency }: Gates): Handler[] {
  const respond: RequestHandler = async (request, response) => {
    const { method, path, headers } = request;
    const body: unknown = request.body;
    const caller = admission.callerOf(response);
    const serve = () => answerOf(route, request, response, caller);
    const key = route.idempotent ? idempotencyKeyOf(headers) : undefined;
    const answer =
      key === undefined || caller === null
        ? await serve()
        : await idempotency.once({ userId: caller.userId, key, method, path, body }, serve);
    send(route, request, response, answer);
  };
  return [
    ...(route.request.body === undefined ? [] : [requireJson, parseJson[route.takesContent ? 'content' : 'small']]),
    ...(route.costOf === null ? [] : admission.countBody(route, route.costOf)),
    respond,
  ];
}

function fileHandler(route: FileRoute, { admission }: Gates): RequestHandler {
  return async (request, response) => {
    const { params, query, headers, ip = '' } = request;
    const context = contextOf(ip, response, admission.callerOf(response), {});
    const { name, bytes } = await route.run({ params, query, headers, body: undefined }, context);
    response.attachment(name).type(route.contentType).setHeader('Cache-Control', 'no-store');
    response.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  };
}

/** What a handler is given beside the request; the headers that it sets are kept in `set`. */
function contextOf(ip: string, response: Response, caller: Caller | null, set: Record<string, string>): RouteContext {
  return {
    caller,
    address: networkOf(ip),
    header: (name, value) => {
      set[name] = value;
    },
    note: (fields) => {
      Object.assign(stateOf(response).fields, fields);
    },
  };
}

async function answerOf(
  route: JsonRoute,
  { params, query, headers, body, ip = '' }: Request,
  response: Response,
  caller: Caller | null,
): Promise<RouteAnswer> {
  const set: Record<string, string> = {};
  const data = await route.run({ params, query, headers, body }, contextOf(ip, response, caller, set));
  return { data, headers: set };
}

function send(
  { method, status, message, isBare }: JsonRoute,
  request: Request,
  response: Response,
  answer: RouteAnswer,
): void {
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  if (!response.hasHeader('Cache-Control')) {
    response.setHeader('Cache-Control', response.hasHeader('ETag') ? 'private, no-cache' : 'no-store');
  }
  // Not Express's own comparison: it takes the Cache-Control that browsers add to a conditional fetch for a refusal.
  const { ETag: tag } = answer.headers;
  if (method === 'get' && tag !== undefined && isKnown(tag, request.headers['if-none-match'])) {
    response.status(304).end();
    return;
  }
  if (isBare) response.status(status).json(answer.data);
  else
    response
      .status(status)
      .type('json')
      .send(success(stateOf(response).requestId, message, answer.data));
}

/** The limit is that of the body as it is once unpacked, so what is small on the wire alone does not pass. */
const parseJson = {
  small: express.json({ limit: '100kb', strict: false, verify: refuseDeepNesting }),
  content: express.json({ limit: '10mb', strict: false, verify: refuseDeepNesting }),
};

/** A body of another type is refused rather than taken for none. */
const requireJson: RequestHandler = (request, _response, next) => {
  const empty = request.headers['content-length'] === '0';
  // `false`: there is a body, and it is not JSON; `null`: there is no body.
  if (!empty && request.is('application/json') === false) throw new ApiError('unsupported_media_type');
  next();
};

function plainHandler(route: PlainRoute): RequestHandler {
  return async (_request, response) => {
    const text = await route.render();
    for (const [name, value] of Object.entries(route.headers ?? {})) response.setHeader(name, value);
    response.type(route.contentType).send(text);
  };
}

function refuseMethod(here: readonly Route[]): RequestHandler {
  const methods = here.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
  return (_request, response) => {
    response.setHeader('Allow', methods.join(', '));
    throw new ApiError('method_not_allowed');
  };
}
