import { z } from 'zod';
import { type NamedTensors, sizeOf } from '../tensors.ts';

const headerSchema = z.record(z.string(), z.unknown());
const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/** Under this name stand facts about the whole file. */
const aboutFile = '__metadata__';

/**
 * Reads the 32-bit floats of a file in the safetensors format: the length of the header (8 bytes, little-endian), the
 * header as JSON, then the numbers. Tensors of other kinds are left out.
 *
 * @throws RangeError when the numbers do not fill their shape.
 */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>): NamedTensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))));
  const tensors = Object.entries(header)
    .filter(([name]) => name !== aboutFile)
    .map(([name, described]) => ({ name, ...tensorSchema.parse(described) }))
    .filter(({ dtype }) => dtype === 'F32');
  const origin = bytes.byteOffset + start;
  return Object.fromEntries(
    tensors.map(({ name, shape, data_offsets: [from, to] }) => {
      const values = new Float32Array(bytes.buffer.slice(origin + from, origin + to));
      if (values.length !== sizeOf(shape)) throw new RangeError(`The numbers of "${name}" do not fill its shape`);
      return [name, { shape, values }];
    }),
  );
}
