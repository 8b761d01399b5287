import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** PostgreSQL's own pg_dump and pg_restore, fed and read as streams. They must be at least as new as the server. */

/** Thrown when one of them is missing, or did not do its work; the message quotes no row. */
export class PostgresToolError extends Error {
  override readonly name = 'PostgresToolError';
}

type Tool = 'pg_dump' | 'pg_restore';

const debianDir = '/usr/lib/postgresql';
const usualDirs = ['/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];

/**
 * The newest one of this machine: Debian keeps every version beside the others.
 *
 * @param binDir where it is, if not in one of the usual places
 * @throws PostgresToolError
 */
function find(tool: Tool, binDir: string | undefined): string {
  const debian = existsSync(debianDir) ? readdirSync(debianDir).sort((a, b) => Number(b) - Number(a)) : [];
  const dirs =
    binDir === undefined ? [...debian.map((version) => join(debianDir, version, 'bin')), ...usualDirs] : [binDir];
  const path = dirs.map((dir) => join(dir, tool)).find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw new PostgresToolError(`${tool} is missing: install PostgreSQL's client programs, or set POSTGRES_BIN_DIR.`);
}

export interface ToolOptions {
  databaseUrl: string;
  binDir?: string | undefined;
  /** When it fires the program is ended. */
  signal?: AbortSignal | undefined;
}

/**
 * The database in pg_dump's custom format, as it is in an exported snapshot. Not compressed: sealing does that.
 *
 * @throws PostgresToolError
 */
export async function* dumpDatabase(options: ToolOptions & { snapshotId: string }): AsyncGenerator<Uint8Array> {
  const args = ['--format=custom', '--compress=0', '--no-owner', '--no-comments', '--snapshot', options.snapshotId];
  const { child, ended } = start('pg_dump', args, options);
  const output: AsyncIterable<Uint8Array> = child.stdout;
  try {
    child.stdin.end();
    yield* output;
    await ended;
  } finally {
    child.kill();
  }
}

/**
 * Fills an empty database from a dump; all of it or nothing.
 *
 * @throws PostgresToolError, and whatever the dump's stream throws
 */
export async function fillDatabase(dump: AsyncIterable<Uint8Array>, options: ToolOptions): Promise<void> {
  const args = ['--no-owner', '--no-comments', '--exit-on-error', '--single-transaction'];
  const { child, ended } = start('pg_restore', [...args, '--dbname', nameOf(options.databaseUrl)], options);
  const feeding = pipeline(dump, child.stdin).catch((error: unknown) => {
    // An input that was only closed would be taken for a whole, shorter dump.
    child.kill();
    throw error;
  });
  const [fed, done] = await Promise.allSettled([feeding, ended]);
  // When the program ends early the pipe breaks as well, and the program's own words say more.
  if (fed.status === 'rejected' && !(done.status === 'rejected' && isBrokenPipe(fed.reason))) await feeding;
  await ended;
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code))
  );
}

function start(tool: Tool, args: readonly string[], { databaseUrl, binDir, signal }: ToolOptions) {
  const child = spawn(find(tool, binDir), args, { env: environmentOf(databaseUrl), signal });
  const ended = end(child, tool);
  // Whoever reads the output may fail first.
  ended.catch(() => undefined);
  return { child, ended };
}

async function end(child: ChildProcessWithoutNullStreams, tool: Tool): Promise<void> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 10_000) said += text;
  });
  await once(child, 'close');
  const { exitCode, signalCode } = child;
  if (exitCode !== 0) throw new PostgresToolError(`${tool} ended with ${exitCode ?? signalCode}: ${firstError(said)}`);
}

/** Its first complaint, without the values that PostgreSQL quotes. */
function firstError(said: string): string {
  const line = said.split('\n').find((each) => each.includes('error:')) ?? said.split('\n')[0] ?? '';
  return line.replace(/(: |=)["(].*$/, '').slice(0, 300);
}

/** By the environment, since everybody on the machine can read a command line. */
function environmentOf(databaseUrl: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, searchParams } = new URL(databaseUrl);
  const sslMode = searchParams.get('sslmode');
  return {
    PGHOST: hostname.replace(/^\[|\]$/g, ''),
    PGPORT: port === '' ? '5432' : port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: nameOf(databaseUrl),
    ...(sslMode === null ? {} : { PGSSLMODE: sslMode }),
  };
}

function nameOf(databaseUrl: string): string {
  return decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
}
