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
