import { namesKeptFromLogs } from '../domain/dataClasses.ts';

export const redacted = '[redacted]';

/** What never enters a log line (I5); a name is compared in lower case without `-` and `_`, at any depth. */
const restrictedNames = new Set(namesKeptFromLogs().map(normalized));
const maxDepth = 8;
const maxEntries = 100;
const maxTextLength = 8_192;

function normalized(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

/**
 * Secrets that can be told by their form, wherever they stand in a text: JWTs, bearer and API keys, URL passwords, and
 * what makes a signed address one.
 */
const secretForms =
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*|\b(?:Bearer|Basic)\s+[\w+/=.~-]+|\bwhsec_[\w+/=-]+|\b(?:sk|rk|mp)_[\w-]+|\bSG\.[\w.-]+|\bX-Amz-Signature=[\w-]+|(?<=:\/\/)[^\s/@]+@/g;

/** A text without the secrets that can be told by their form, cut where it is too long for a log line. */
export function redactText(text: string): string {
  const short = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
  return short.replace(secretForms, (secret) => (secret.endsWith('@') ? `${redacted}@` : redacted));
}

/** A plain copy of any value that is safe to log: restricted fields replaced, errors in their logged form, bounded. */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
      return value.toString();
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      return value === null ? null : redactObject(value, depth);
    default:
      return value;
  }
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (isError(value)) return describeError(value, depth);
  if (depth >= maxDepth) return '[too deep]';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return redactList(value, depth);
  if (value instanceof Map) return redactFields(Object.fromEntries<unknown>(value), depth);
  if (value instanceof Set) return redactList([...value], depth);
  return redactFields(value, depth);
}

function redactList(list: unknown[], depth: number): unknown[] {
  const kept = list.slice(0, maxEntries).map((entry) => redact(entry, depth + 1));
  return list.length > maxEntries ? [...kept, `[${list.length - maxEntries} more]`] : kept;
}

function redactFields(fields: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields).slice(0, maxEntries)) {
    safe[name] = restrictedNames.has(normalized(name)) ? redacted : redact(value, depth + 1);
  }
  return safe;
}

/** Errors of another realm (a worker thread, a test's) are errors too. */
function isError(value: object): value is Error {
  return value instanceof Error || ('message' in value && 'stack' in value && typeof value.stack === 'string');
}

interface LoggedError {
  name: string;
  message: string;
  stack: string;
  code?: string | number;
  cause?: unknown;
}

/**
 * What is logged of an error: its name, message, stack, code and cause, and nothing else that hangs on it, since
 * clients hang whole requests there. The words of a database driver are left out because they quote parameters.
 */
export function describeError(error: Error, depth = 0): LoggedError {
  const name = error.name;
  const message = quotesParameters(error) ? describeDatabaseError(error) : redactText(error.message);
  const described: LoggedError = { name, message, stack: stackUnder(`${name}: ${message}`, error.stack) };
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')) {
    described.code = error.code;
  }
  if (error.cause !== undefined && depth < maxDepth) described.cause = redact(error.cause, depth + 1);
  return described;
}

/** Whether this comes from PostgreSQL, its driver or the mapper above it, whose messages quote values. */
function quotesParameters(error: Error): boolean {
  return 'severity' in error || 'sqlState' in error || /(?:Exception|ValidationError)$/.test(error.name);
}

function describeDatabaseError(error: object): string {
  const facts = (['code', 'constraint', 'table', 'column', 'routine'] as const)
    .filter((fact) => fact in error)
    .map((fact) => [fact, Object.entries(error).find(([name]) => name === fact)?.[1]] as const)
    .filter((entry): entry is readonly [(typeof entry)[0], string] => typeof entry[1] === 'string')
    .map(([fact, value]) => `${fact} ${value}`);
  return `the database refused (${facts.length > 0 ? facts.join(', ') : 'no facts'}); its words are left out`;
}

/** The frames of a stack under a headline of ours: its own headline repeats the message, which may quote values. */
function stackUnder(headline: string, stack = ''): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [headline, ...frames].join('\n');
}
