import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { z } from 'zod';
import { readConfig } from '../../config.ts';
import { isSealed, openPayload } from '../../temporal/codec.ts';

/** A history as it is committed, named after the workflow and the way that it went. */
export interface NamedHistory {
  name: string;
  history: History;
}

const { History: messages } = proto.temporal.api.history.v1;
const folder = new URL('./', import.meta.url);
/** What is about the machine that made a history, and no part of what is replayed. */
const aboutTheMachine = ['identity', 'stackTrace', 'workerVersion', 'binaryChecksum'];

/** Every history that is committed. */
export async function readHistories(): Promise<NamedHistory[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(files.map(async (file) => ({ name: file.replace(/\.json$/, ''), history: await read(file) })));
}

async function read(file: string): Promise<History> {
  return messages.fromObject(JSON.parse(await readFile(new URL(file, folder), 'utf8')) as object);
}

/** Puts these histories in the place of all that there are, with what is sealed in them opened. */
export async function writeHistories(histories: readonly NamedHistory[]): Promise<void> {
  for (const file of await readdir(folder)) if (file.endsWith('.json')) await rm(new URL(file, folder));
  for (const { name, history } of histories) {
    const named = { enums: String, longs: String };
    const open = opened(messages.toObject(messages.fromObject(history), named)) as object;
    const plain = messages.toObject(messages.fromObject(open), { ...named, bytes: String });
    await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(plain, null, 2)}\n`);
  }
}

const failureTextsSchema = z.object({ message: z.string() });

function opened(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(opened);
  if (isSealed(value)) return openPayload(value, readConfig().TEMPORAL_PAYLOAD_KEYS).payload;
  const entries = Object.entries(value).filter(([name]) => !aboutTheMachine.includes(name));
  const { encodedAttributes, ...open } = Object.fromEntries(entries.map(([name, inner]) => [name, opened(inner)]));
  // A sticky queue is called after its process.
  if (open.kind === 'TASK_QUEUE_KIND_STICKY') return { ...open, name: 'sticky' };
  if (encodedAttributes === undefined) return open;
  // The words of a failure, which the server knows sealed alone.
  const { data } = encodedAttributes as { data: Uint8Array };
  return { ...open, ...failureTextsSchema.parse(JSON.parse(Buffer.from(data).toString())) };
}
