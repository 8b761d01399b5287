import type { JsonRoute, FileRoute } from './route.ts';

/** What the headers of answers say, as the OpenAPI document tells of them. */
interface HeaderTerms {
  description: string;
  pattern: string;
  example: string;
}

export const answerHeaders = {
  'X-Request-Id': {
    description: 'Names this request in our logs; also in the envelope.',
    pattern: '^req_[0-9a-f]{32}$',
    example: 'req_4f1c2a9be07d43518c6e2f90d3b5a1e7',
  },
  RateLimit: {
    description: 'What is left (`r`) of each limit, and in how many seconds (`t`) one request is free again.',
    pattern: '^"[a-z-]+";r=\\d+;t=\\d+(, "[a-z-]+";r=\\d+;t=\\d+)*$',
    example: '"user";r=598;t=1, "address";r=29998;t=1',
  },
  'RateLimit-Policy': {
    description:
      'Each limit: `q` requests in `w` seconds. A name that ends in `-process` is counted by one gateway alone.',
    pattern: '^"[a-z-]+";q=\\d+;w=\\d+(, "[a-z-]+";q=\\d+;w=\\d+)*$',
    example: '"user";q=600;w=60, "address";q=30000;w=60',
  },
  'Retry-After': {
    description: 'After how many seconds trying again can help.',
    pattern: '^\\d+$',
    example: '2',
  },
  'WWW-Authenticate': { description: 'What to show.', pattern: '^Bearer$', example: 'Bearer' },
  Deprecation: {
    description: 'The client is outdated since then (RFC 9745), and will be refused from `Sunset` on.',
    pattern: '^@\\d+$',
    example: '@1764374400',
  },
  Sunset: {
    description: 'From when this version of the client is refused (RFC 8594).',
    pattern: ' GMT$',
    example: 'Mon, 01 Mar 2027 00:00:00 GMT',
  },
  ETag: {
    description:
      'Names what was answered; `If-None-Match` asks for it only when it changed, `If-Match` changes only this.',
    pattern: '^(W/)?"[^"]+"$',
    example: '"3"',
  },
  Location: {
    description: 'Where what was made is.',
    pattern: '^/v1/',
    example: '/v1/sessions/01a224ca-ae9b-73ff-8fb0-081c975ba07c',
  },
  'Set-Cookie': {
    description: 'For the browser alone.',
    pattern: '; HttpOnly; SameSite=Strict(; Secure)?$',
    example: 'mindpeeker_codec=…; Path=/v1/admin/codec; Max-Age=3600; HttpOnly; SameSite=Strict',
  },
  'Idempotency-Replayed': {
    description: 'This was answered before, to the same Idempotency-Key.',
    pattern: '^true$',
    example: 'true',
  },
} as const satisfies Record<string, HeaderTerms>;
export type AnswerHeader = keyof typeof answerHeaders;

/** The headers that an answer with this status has, each with whether it always has it. */
export function headersOf(route: JsonRoute | FileRoute, status: number): Map<AnswerHeader, boolean> {
  const headers = new Map<AnswerHeader, boolean>([
    ['X-Request-Id', true],
    ['Deprecation', false],
    ['Sunset', false],
  ]);
  if (route.rateClass !== 'unlimited') headers.set('RateLimit', false).set('RateLimit-Policy', false);
  if (status === 401) headers.set('WWW-Authenticate', true);
  if (status === 429 || status === 503) headers.set('Retry-After', true);
  if (status < 400 && route.kind === 'json') {
    for (const name of route.answerHeaders) headers.set(name, true);
    if (route.idempotent) headers.set('Idempotency-Replayed', false);
  }
  return headers;
}

/** Whether an answer can be 304, without a body: the client has what a GET would answer. */
export function knowsUnchanged(route: JsonRoute | FileRoute): boolean {
  return route.kind === 'json' && route.method === 'get' && route.answerHeaders.includes('ETag');
}
