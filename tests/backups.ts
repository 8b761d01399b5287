import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Client, type Connection } from '@temporalio/client';
import { readConfig, type Config } from '../config.ts';
import { Attachment } from '../db/attachments.ts';
import type { Resources } from '../resources.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { triggerSchedule, type ScheduleId } from '../temporal/schedules.ts';
import { standApart } from './apart.ts';

/** A platform's places apart from other tests', with models in them, ready to be backed up and lost. */
export async function standApartWhole(): Promise<Awaited<ReturnType<typeof standApart>>> {
  const apart = await standApart();
  await promisify(execFile)(process.execPath, ['cli/provision.ts'], { env: { ...process.env, ...apart } });
  return apart;
}

/** Has what is scheduled done now, and waits for its end. */
export async function runScheduled(name: ScheduleId, { TEMPORAL_NAMESPACE }: Partial<Config>): Promise<void> {
  const config = { ...readConfig(), ...(TEMPORAL_NAMESPACE === undefined ? {} : { TEMPORAL_NAMESPACE }) };
  const connection: Connection = await connectTemporal(config);
  try {
    const namespace = config.TEMPORAL_NAMESPACE;
    const workflowId = await triggerSchedule(connection, namespace, name);
    await new Client({ connection, namespace }).workflow.getHandle(workflowId).result();
  } finally {
    await connection.close();
  }
}

/** A file beside a session as it lies there once it was checked, of so many bytes. */
export async function addFile(
  { database, uploads }: Resources,
  { sessionId, userId }: { sessionId: string; userId: string },
  sizeBytes: number,
): Promise<string> {
  const id = randomUUID();
  const bytes = randomBytes(sizeBytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { fileName: 'noise.pdf', mediaType: 'application/pdf' as const, sizeBytes, sha256 };
  await uploads.keepBytes({ sessionId, attachmentId: id }, file, bytes);
  const ended = { status: 'ready' as const, storedBytes: sizeBytes, storedSha256: sha256, endedAt: new Date() };
  await database.asService().insert(Attachment, { id, sessionId, userId, ...file, ...ended, createdAt: new Date() });
  return id;
}

/** How a command of an operator ended. */
interface Ended {
  code: number;
  /** What it printed with `--json`. */
  json: Record<string, unknown>;
}

/** Runs `mindpeeker ops …` on the platform of `apart`. */
export async function ops(args: readonly string[], apart: Partial<Config>): Promise<Ended> {
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const env = { ...process.env, ...stringsOf(apart) };
    execFile(process.execPath, ['cli/ops/main.ts', ...args, '--json'], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout === '' ? stderr : stdout });
    });
  });
  if (!output.startsWith('{')) throw new Error(`mindpeeker ops ${args.join(' ')} ended with ${code}: ${output}`);
  return { code, json: JSON.parse(output) as Record<string, unknown> };
}

/** Of the configuration what is written as it is in the environment. */
export function stringsOf(config: Partial<Config>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
