import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ArtefactCorruptError } from './errors.ts';
import { type NamedTensors, sizeOf } from './tensors.ts';

/** The bytes every file of tensors begins with; the last one is the version of the format. */
const magic = Buffer.from('MPMODEL1');
const headerBytes = magic.length + 4;

const layoutSchema = z.object({
  weights: z.array(z.object({ name: z.string(), shape: z.array(z.int().min(0)) })),
  weightsSha256: z.string(),
});

/** Hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes tensors with facts about them as one file: magic, length of the manifest, manifest (JSON), numbers (float32, little-endian). */
export function packTensors(facts: object, tensors: NamedTensors): Uint8Array {
  const layout = Object.entries(tensors).map(([name, { shape }]) => ({ name, shape: [...shape] }));
  const body = Buffer.concat(
    Object.values(tensors).map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  );
  const json = Buffer.from(JSON.stringify({ ...facts, weights: layout, weightsSha256: sha256Of(body) }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([magic, length, json, body]);
}

/**
 * Reads a file of tensors after checking it.
 *
 * @param factsSchema What its facts must look like.
 * @throws ArtefactCorruptError when a checksum differs or the bytes are no such file.
 */
export function unpackTensors<F extends z.ZodType>(
  bytes: Uint8Array,
  factsSchema: F,
): { facts: z.output<F>; tensors: NamedTensors } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < headerBytes || !buffer.subarray(0, magic.length).equals(magic)) {
    throw new ArtefactCorruptError('The bytes are no file of tensors');
  }
  const bodyStart = headerBytes + buffer.readUInt32LE(magic.length);
  const manifest = readManifest(buffer.subarray(headerBytes, bodyStart), layoutSchema);
  const facts = readManifest(buffer.subarray(headerBytes, bodyStart), factsSchema);
  const body = buffer.subarray(bodyStart);
  if (sha256Of(body) !== manifest.weightsSha256) {
    throw new ArtefactCorruptError('The weights differ from their checksum');
  }
  const tensors: Record<string, NamedTensors[string]> = {};
  // A copy, since numbers must begin at a multiple of their size.
  const numbers = new Float32Array(new Uint8Array(body).buffer, 0, Math.floor(body.length / 4));
  let offset = 0;
  for (const { name, shape } of manifest.weights) {
    const end = offset + sizeOf(shape);
    if (end > numbers.length) throw new ArtefactCorruptError('The weights are fewer than the manifest says');
    tensors[name] = { shape, values: numbers.slice(offset, end) };
    offset = end;
  }
  return { facts, tensors };
}

function readManifest<S extends z.ZodType>(json: Buffer, schema: S): z.output<S> {
  try {
    return schema.parse(JSON.parse(json.toString('utf8')));
  } catch (error) {
    throw new ArtefactCorruptError('The manifest cannot be read', { cause: error });
  }
}
