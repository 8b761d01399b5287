import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend } from '../backend.ts';
import { rowsOf, type Tf } from '../tensors.ts';
import { openSentenceEncoder, type SentenceEncoder } from './encoder.ts';
import { sentencesFolder } from './location.mjs';

/** Tokens and the first numbers of vectors, from transformers 4.46.3 on PyTorch 2.5.1 with the same files. */
const reference = [
  {
    text: 'a tall tower beside cold water',
    tokens: [101, 1037, 4206, 3578, 3875, 3147, 2300, 102],
    vector: [-0.031075, 0.065131, -0.01208, 0.035421, -0.0468, 0.015558, -0.069409, 0.081836, 0.017105, -0.032782],
  },
  {
    text: '海と山',
    tokens: [101, 1902, 1666, 1831, 102],
    vector: [-0.001719, 0.143362, 0.034884, -0.023968, -0.049665, -0.033856, 0.104613, -0.026899, -0.008876, -0.016767],
  },
  {
    text: 'волны 👍',
    tokens: [101, 1182, 14150, 29436, 18947, 29113, 100, 102],
    vector: [-0.032855, 0.035757, -0.005712, 0.054036, -0.006013, 0.020797, 0.167293, -0.006247, -0.000915, -0.082649],
  },
];

let tf: Tf;
/** What most tests share, since each encoder holds its own 91 MB. */
let encoder: SentenceEncoder;

beforeAll(async () => {
  ({ tf } = await openBackend());
  encoder = freshEncoder(tf);
});

/** An encoder that has seen no text yet, so that nothing comes from its memory. */
function freshEncoder(on: Tf): SentenceEncoder {
  const fresh = openSentenceEncoder(on);
  if (fresh === null) throw new Error('the encoder is not there');
  return fresh;
}

async function vectorsOf(texts: readonly string[], by = encoder): Promise<number[][]> {
  return rowsOf(await by.embed(by.tokenise(texts))).map((row) => Array.from(row));
}

function cosine(a: readonly number[] = [], b: readonly number[] = []): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);
}

function expectSame(a: readonly number[][], b: readonly number[][], within: number) {
  expect(a.length).toBe(b.length);
  const furthest = a.map((row, i) => Math.max(...row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? NaN)))));
  expect(Math.max(...furthest)).toBeLessThan(within);
}

const fetched = existsSync(sentencesFolder());

(fetched ? describe : describe.skip)('the sentence encoder (M1)', () => {
  test.each(reference)('gives for "$text" the tokens and numbers of the published model', async (expected) => {
    expect([...encoder.tokenise([expected.text]).values]).toEqual(expected.tokens);
    const [vector = []] = await vectorsOf([expected.text]);
    expect(vector).toHaveLength(encoder.dimensions);
    expectSame([vector.slice(0, expected.vector.length)], [expected.vector], 2e-6);
    expect(cosine(vector, vector)).toBeCloseTo(1, 5);
  });

  test('puts texts that mean alike near each other, whatever words they use', async () => {
    const [king, queen, carrot] = await vectorsOf(['king', 'queen', 'carrot']);
    expect(cosine(king, queen)).toBeCloseTo(0.681, 2);
    expect(cosine(king, carrot)).toBeCloseTo(0.407, 2);
    const [lighthouse, beacon, desert] = await vectorsOf([
      'a lighthouse above the sea',
      'a bright beacon by the ocean',
      'a dry desert',
    ]);
    expect(cosine(lighthouse, beacon)).toBeGreaterThan(cosine(lighthouse, desert) + 0.2);
  });

  test('answers a text alone and in a batch alike, whatever it is padded with and in whatever order', async () => {
    const texts = ['sea', 'a tower of old stone that leans over a square', 'wind', 'sea', 'крепость на горе', ''];
    const together = await vectorsOf(texts);
    const onlyAlone = freshEncoder(tf);
    const alone: number[][] = [];
    for (const text of texts) alone.push(...(await vectorsOf([text], onlyAlone)));
    expectSame(together, alone, 1e-5);
    const withLong = await vectorsOf(
      [...texts.toReversed(), 'cold water under the bridge '.repeat(20)],
      freshEncoder(tf),
    );
    expectSame(together, withLong.slice(0, -1).toReversed(), 1e-5);
  });

  test('answers from memory what it computed before', async () => {
    const first = await vectorsOf(['cold', 'bright metal']);
    const again = await vectorsOf(['bright metal', 'something new', 'cold']);
    expect([again[2], again[0]]).toEqual(first);
  });

  test('embeds more texts at once than go through the network together', async () => {
    const texts = Array.from({ length: 600 }, (_, i) => `target ${i % 300}`);
    const vectors = await vectorsOf(texts);
    expect(new Set(vectors.map((vector) => vector.join())).size).toBe(300);
    expectSame(vectors.slice(0, 300), vectors.slice(300), 1e-12);
  });

  test('reads the beginning of a text that is longer than 256 tokens', async () => {
    const sentence = 'the old harbour lies under the cliff ';
    expect(encoder.tokenise([sentence.repeat(5_000)]).shape).toEqual([1, 256]);
    const [long, longer] = await vectorsOf([sentence.repeat(60), sentence.repeat(70)]);
    expect(long).toEqual(longer);
  });

  test('gives an empty table for no texts', async () => {
    expect((await encoder.embed(encoder.tokenise([]))).shape).toEqual([0, encoder.dimensions]);
  });

  test('gives the same on every backend that is there, within 1e-3', async () => {
    const texts = ['a tall tower beside cold water', 'ثلج', 'sand'];
    const vectors = await vectorsOf(texts);
    for (const backend of ['wasm', 'js'] as const) {
      const other = await openBackend(backend);
      expectSame(await vectorsOf(texts, freshEncoder(other.tf)), vectors, 1e-3);
    }
  });
});
