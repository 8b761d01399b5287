import compression from 'compression';
import cors, { type CorsOptions } from 'cors';
import type { Request, RequestHandler } from 'express';
import helmet from 'helmet';
import { codecPath, webUiOrigin } from './admin/codecCookies.ts';
import type { ApiDeps } from './deps.ts';

type EdgeDeps = Pick<ApiDeps, 'corsOrigins' | 'temporalUiUrl'>;

/** What every answer has to do with browsers and lines: security headers, the web pages that may call, compression. */
export function edgeOf(deps: EdgeDeps): RequestHandler[] {
  const [forOurs, forWebUi] = [pagesOfOurs(deps), pagesOfWebUi(deps)];
  return [
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    }),
    forbidDevices,
    cors(({ path }: Request, done: (error: null, options: CorsOptions) => void) => {
      done(null, path === `${codecPath}/decode` ? forWebUi : forOurs);
    }),
    compression({ filter: isWorthCompressing }),
  ];
}

/** A caller shows a token and no cookie, so a browser is never asked to send credentials of its own. */
export function pagesOfOurs({ corsOrigins }: Pick<EdgeDeps, 'corsOrigins'>): CorsOptions {
  return {
    origin: [...corsOrigins],
    methods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
    allowedHeaders: requestHeaders,
    exposedHeaders: answerHeaders,
    maxAge: preflightSeconds,
  };
}

/** The Temporal Web UI shows a cookie, and opens payloads alone. */
function pagesOfWebUi(deps: EdgeDeps): CorsOptions {
  const origin = webUiOrigin(deps);
  return {
    origin: origin === null ? [] : [origin],
    credentials: true,
    methods: ['POST'],
    allowedHeaders: ['Content-Type', 'X-Namespace'],
    maxAge: preflightSeconds,
  };
}

const requestHeaders = [
  ...['Authorization', 'X-API-Key', 'X-Client-Version', 'Content-Type'],
  ...['Idempotency-Key', 'If-Match', 'If-None-Match'],
];
const answerHeaders = [
  ...['X-Request-Id', 'ETag', 'Location', 'Retry-After', 'Idempotency-Replayed'],
  ...['RateLimit', 'RateLimit-Policy', 'Deprecation', 'Sunset', 'Content-Disposition'],
];
const preflightSeconds = 600;

/** No page of ours asks for a camera, a microphone, a place or a payment. */
const forbidDevices: RequestHandler = (_request, response, next) => {
  response.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
  next();
};

/**
 * Answers to a GET alone: tokens and keys are answered to a POST, and beside what a client sent itself they would tell
 * of themselves by how well the answer shrinks (BREACH). An event stream is not held back for a full block.
 */
const isWorthCompressing: compression.CompressionFilter = (request, response) =>
  request.method === 'GET' &&
  !String(response.getHeader('Content-Type')).startsWith('text/event-stream') &&
  compression.filter(request, response);
