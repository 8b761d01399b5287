import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type SessionType, sessionTypes } from '../domain/session.ts';
import { ArtefactCorruptError } from './errors.ts';
import type { Figure } from './model.ts';
import { type NamedTensors, sizeOf } from './tensors.ts';

/** The bytes every artefact begins with; the last one is the version of the format. */
const magic = Buffer.from('MPMODEL1');
const headerBytes = magic.length + 4;
const bytesPerNumber = 4;

const manifestSchema = z.object({
  name: z.enum(sessionTypes),
  version: z.string(),
  created: z.iso.datetime(),
  seed: z.int(),
  sessions: z.int(),
  figures: z.array(z.object({ name: z.string(), value: z.number(), chance: z.number(), chanceIs: z.string() })),
  weights: z.array(z.object({ name: z.string(), shape: z.array(z.int().min(0)) })),
  weightsSha256: z.string(),
});

export interface Artefact {
  readonly name: SessionType;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly seed: number;
  /** How many simulated sessions it was trained on. */
  readonly sessions: number;
  readonly figures: readonly Figure[];
  readonly weights: NamedTensors;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes a trained model as one file: magic, length of the manifest, manifest (JSON), weights (float32, little-endian). */
export function packArtefact({ weights, ...facts }: Artefact): Uint8Array {
  const layout = Object.entries(weights).map(([name, { shape }]) => ({ name, shape: [...shape] }));
  const body = Buffer.concat(Object.values(weights).map(({ values }) => toLittleEndian(values)));
  const manifest = { ...facts, weights: layout, weightsSha256: sha256Of(body) };
  const json = Buffer.from(JSON.stringify(manifest));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([magic, length, json, body]);
}

/**
 * Reads an artefact after checking it.
 *
 * @param expectedSha256 The checksum of the whole file, where the caller knows it.
 * @throws ArtefactCorruptError when a checksum differs or the bytes are no artefact.
 */
export function unpackArtefact(bytes: Uint8Array, expectedSha256?: string): Artefact {
  if (expectedSha256 !== undefined && sha256Of(bytes) !== expectedSha256) {
    throw new ArtefactCorruptError('The artefact is not the one that its checksum names');
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < headerBytes || !buffer.subarray(0, magic.length).equals(magic)) {
    throw new ArtefactCorruptError('The bytes are no model artefact');
  }
  const bodyStart = headerBytes + buffer.readUInt32LE(magic.length);
  const { weights: layout, weightsSha256, ...facts } = readManifest(buffer.subarray(headerBytes, bodyStart));
  const body = buffer.subarray(bodyStart);
  if (sha256Of(body) !== weightsSha256) throw new ArtefactCorruptError('The weights differ from their checksum');

  const weights: Record<string, NamedTensors[string]> = {};
  let offset = 0;
  for (const { name, shape } of layout) {
    const end = offset + sizeOf(shape) * bytesPerNumber;
    if (end > body.length) throw new ArtefactCorruptError('The weights are fewer than the manifest says');
    weights[name] = { shape, values: fromLittleEndian(body.subarray(offset, end)) };
    offset = end;
  }
  return { ...facts, weights };
}

function readManifest(json: Buffer): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(json.toString('utf8')));
  } catch (error) {
    throw new ArtefactCorruptError('The manifest cannot be read', { cause: error });
  }
}

function toLittleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * bytesPerNumber);
  values.forEach((value, i) => bytes.writeFloatLE(value, i * bytesPerNumber));
  return bytes;
}

function fromLittleEndian(bytes: Buffer): Float32Array {
  return Float32Array.from({ length: bytes.length / bytesPerNumber }, (_, i) => bytes.readFloatLE(i * bytesPerNumber));
}

/** The folder of a model: its session type, written as folders are. */
export function folderOf(sessionType: SessionType): URL {
  return new URL(`${sessionType.replaceAll('_', '-')}/`, import.meta.url);
}

export interface BundledArtefact {
  readonly name: SessionType;
  readonly version: string;
  /** Of the whole file. */
  readonly sha256: string;
  readonly figures: readonly Figure[];
  readonly bytes: Uint8Array;
}

/** The artefacts that are committed beside the code, the newest version of each model; provisioning publishes them. */
export async function listBundledArtefacts(): Promise<BundledArtefact[]> {
  return Promise.all(
    sessionTypes.map(async (sessionType) => {
      const folder = new URL('artefact/', folderOf(sessionType));
      const files = (await readdir(folder)).filter((file) => file.endsWith('.bin'));
      const newest = files.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
      if (newest === undefined) throw new Error(`${sessionType} has no artefact: npm run train -- ${sessionType}`);
      const bytes = await readFile(new URL(newest, folder));
      const { name, version, figures } = unpackArtefact(bytes);
      return { name, version, sha256: sha256Of(bytes), figures, bytes };
    }),
  );
}
