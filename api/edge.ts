import compression from 'compression';
import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** What every answer has to do with browsers and lines: security headers, the web pages that may call, compression. */
export function edgeOf({ corsOrigins }: { corsOrigins: readonly string[] }): RequestHandler[] {
  return [
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    }),
    forbidDevices,
    // A caller shows a token and no cookie, so a browser is never asked to send credentials of its own.
    cors({
      origin: [...corsOrigins],
      methods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
      allowedHeaders: requestHeaders,
      exposedHeaders: answerHeaders,
      maxAge: preflightSeconds,
    }),
    compression({ filter: isWorthCompressing }),
  ];
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
