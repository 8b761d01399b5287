import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SessionContent } from '../domain/content.ts';
import { sessionTypes } from '../domain/session.ts';
import { type BundledArtefact, listBundledArtefacts, unpackArtefact } from './artefact.ts';
import { openBackend, type Runtime } from './backend.ts';
import { figuresTable } from './card.ts';
import { answerAll, type ArtefactFile, createInference } from './inference.ts';
import type { Model, Predict } from './model.ts';
import { models } from './models.ts';
import { entry, tensorOf } from './tensors.ts';
import { recipeNamed } from './training/recipes.ts';

let runtime: Runtime;
let artefacts: BundledArtefact[];
beforeAll(async () => {
  runtime = await openBackend('wasm');
  artefacts = await listBundledArtefacts();
});

/** A thread's models, every bundled one loaded, and a way to ask the one of a session's type. */
async function loadAll() {
  const inference = createInference(runtime, 1024 ** 3);
  for (const artefact of artefacts) await inference.load(artefact);
  const ask = (...contents: SessionContent[]) => {
    const artefact = artefacts.find(({ name }) => name === contents[0]?.sessionType);
    return inference.analyze(artefact?.sha256 ?? '', contents);
  };
  return { inference, ask };
}

describe('the models of a thread (M1)', () => {
  test('answer a session of each type, and name themselves', async () => {
    const { ask } = await loadAll();
    const times = ['2026-01-01', '2026-01-02', '2026-01-03'];
    const answers = [
      await ask({ sessionType: 'remote_viewing', cue: 'x', impressions: { words: ['sea'] } }),
      await ask({
        sessionType: 'dowsing',
        cue: 'x',
        impressions: {
          question: 'q',
          trace: { points: [0, 1, 2, 3, 4, 5].map((i) => ({ x: i % 2, y: 7 * (i % 2), tMs: 100 * i })) },
        },
      }),
      await ask({
        sessionType: 'precognition',
        cue: 'x',
        impressions: { series: [{ name: 'a', times, values: [1, 2, 3] }], horizon: 1 },
      }),
      await ask({
        sessionType: 'intuitive_analysis',
        cue: 'x',
        impressions: { dimensions: ['a'], rows: [[1], [2], [9]] },
      }),
    ];
    const named = answers.map((answer) => {
      const [first] = answer ?? [];
      return first?.kind === 'analysis' ? first.analysis.results[0]?.data.model.name : first;
    });
    expect(named).toEqual([...sessionTypes]);
  });

  test('refuse a session without impressions, and numbers that cannot be computed with', async () => {
    const { ask } = await loadAll();
    for (const sessionType of sessionTypes) {
      expect(await ask({ sessionType, cue: 'x' })).toMatchObject([{ kind: 'unanalyzable' }]);
    }
    const beyond = {
      series: [{ name: 'a', times: ['2026-01-01', '2026-01-02'], values: [-1.7e308, 1.7e308] }],
      horizon: 1,
    };
    expect(await ask({ sessionType: 'precognition', cue: 'x', impressions: beyond })).toMatchObject([
      { kind: 'unanalyzable' },
    ]);
  });

  test('say that a version is not loaded', async () => {
    const { inference } = await loadAll();
    expect(await inference.analyze('0', [{ sessionType: 'remote_viewing', cue: 'x' }])).toBeNull();
  });
});

test('versions that come and go leave no tensor behind, and their weights stay within the memory (M2)', async () => {
  const { tf } = runtime;
  const before = tf.memory();
  const weightBytes = (artefact: ArtefactFile) =>
    Object.values(unpackArtefact(artefact.bytes).weights).reduce((sum, { values }) => sum + values.byteLength, 0);
  const memoryBytes = Math.max(...artefacts.map(weightBytes));
  const inference = createInference(runtime, memoryBytes);
  for (let round = 0; round < 3; round++) {
    for (const artefact of artefacts) {
      await inference.load(artefact);
      expect(tf.memory().numBytes - before.numBytes).toBeLessThanOrEqual(memoryBytes);
      expect(await inference.analyze(artefact.sha256, [{ sessionType: artefact.name, cue: 'x' }])).toHaveLength(1);
    }
  }
  for (const { sha256 } of artefacts) inference.release(sha256);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.memory().numBytes).toBe(before.numBytes);
});

test('a session that breaks the network of a whole batch fails alone', async () => {
  const toy: Model<'dowsing'> = {
    ...models.dowsing,
    encode: ({ impressions: { question } }) => ({ x: tensorOf([1, 1], [Number(question)]) }),
    report: () => [],
    observe: ({ outputs }) => ({ y: entry(outputs, 'x').values[0] ?? NaN }),
  };
  const predict: Predict = (sessions) => {
    if (sessions.some((session) => Number.isNaN(entry(session, 'x').values[0]))) throw new RangeError('It broke');
    return Promise.resolve([...sessions]);
  };
  const stamp = { name: 'toy', version: '1.0.0', backend: runtime.backend };
  const ask = (question: string) => ({ impressions: { ...models.dowsing.example.impressions, question } });
  const answers = await answerAll({ model: toy, runtime, predict, stamp }, ['1', 'broken', '3'].map(ask));
  expect(answers).toMatchObject([
    { kind: 'analysis', analysis: { observed: { y: 1 } } },
    { kind: 'failed', error: { message: 'It broke' } },
    { kind: 'analysis', analysis: { observed: { y: 3 } } },
  ]);
});

test('a backend that is there is found by itself, and the table of a card shows chance beside every figure', async () => {
  expect(['tensorflow-gpu', 'tensorflow-cpu', 'wasm', 'js']).toContain((await openBackend()).backend);
  const table = figuresTable([{ name: 'hits', value: 0.25, chance: 0.2, chanceIs: 'one of 5' }]);
  expect(table.split('\n').at(-1)).toContain('| 0.250 | 0.200              | one of 5 |');
  expect(recipeNamed('astrology')).toBeUndefined();
});
