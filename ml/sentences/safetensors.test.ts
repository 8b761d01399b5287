import { expect, test } from '@jest/globals';
import { readSafetensors } from './safetensors.ts';

function fileOf(header: object, numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  // One byte too many at the start, so that nothing lies where a Float32Array could begin.
  const bytes = new Uint8Array(1 + 8 + json.length + 4 * numbers.length);
  const view = new DataView(bytes.buffer, 1);
  view.setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 1 + 8);
  numbers.forEach((value, i) => {
    view.setFloat32(8 + json.length + 4 * i, value, true);
  });
  return bytes.subarray(1);
}

test('the 32-bit floats of a file are read with their shapes, and other kinds left out (M1)', () => {
  const header = {
    __metadata__: { format: 'pt' },
    a: { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] },
    b: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
    places: { dtype: 'I64', shape: [1], data_offsets: [12, 20] },
  };
  expect(readSafetensors(fileOf(header, [1.5, -2, 3, 0, 0]))).toEqual({
    a: { shape: [2, 1], values: Float32Array.of(1.5, -2) },
    b: { shape: [1], values: Float32Array.of(3) },
  });
});

test('a file that ends before its numbers do is refused (M1)', () => {
  const header = { a: { dtype: 'F32', shape: [3], data_offsets: [0, 12] } };
  expect(() => readSafetensors(fileOf(header, [1, 2]))).toThrow('The numbers of "a" do not fill its shape');
});
