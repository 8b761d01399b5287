import { beforeAll, describe, expect, test } from '@jest/globals';
import { sessionTypes } from '../domain/session.ts';
import { type BundledArtefact, listBundledArtefacts } from './artefact.ts';
import { openBackend, type Runtime } from './backend.ts';
import { figuresTable } from './card.ts';
import { UnanalyzableError } from './errors.ts';
import { createInference } from './inference.ts';
import { recipeNamed } from './training/recipes.ts';

let runtime: Runtime;
let artefacts: BundledArtefact[];
beforeAll(async () => {
  runtime = await openBackend('wasm');
  artefacts = await listBundledArtefacts();
});

describe('the models of a thread (M1)', () => {
  test('route a session of each type to the model of that type', async () => {
    const inference = await createInference(runtime, artefacts);
    const times = ['2026-01-01', '2026-01-02', '2026-01-03'];
    const answers = [
      await inference.analyze({ sessionType: 'remote_viewing', cue: 'x', impressions: { words: ['sea'] } }),
      await inference.analyze({
        sessionType: 'dowsing',
        cue: 'x',
        impressions: {
          question: 'q',
          trace: { points: [0, 1, 2, 3, 4, 5].map((i) => ({ x: i % 2, y: 7 * (i % 2), tMs: 100 * i })) },
        },
      }),
      await inference.analyze({
        sessionType: 'precognition',
        cue: 'x',
        impressions: { series: [{ name: 'a', times, values: [1, 2, 3] }], horizon: 1 },
      }),
      await inference.analyze({
        sessionType: 'intuitive_analysis',
        cue: 'x',
        impressions: { dimensions: ['a'], rows: [[1], [2], [9]] },
      }),
    ];
    expect(answers.map(([first]) => first?.data.model.name)).toEqual([...sessionTypes]);
  });

  test('refuse a session without impressions, and numbers that cannot be computed with', async () => {
    const inference = await createInference(runtime, artefacts);
    for (const sessionType of sessionTypes) {
      await expect(inference.analyze({ sessionType, cue: 'x' })).rejects.toThrow(UnanalyzableError);
    }
    const beyond = {
      series: [{ name: 'a', times: ['2026-01-01', '2026-01-02'], values: [-1.7e308, 1.7e308] }],
      horizon: 1,
    };
    await expect(inference.analyze({ sessionType: 'precognition', cue: 'x', impressions: beyond })).rejects.toThrow(
      UnanalyzableError,
    );
  });

  test('say which model is missing when its artefact was not given', async () => {
    const inference = await createInference(runtime, []);
    await expect(
      inference.analyze({ sessionType: 'remote_viewing', cue: 'x', impressions: { words: ['sea'] } }),
    ).rejects.toThrow('No model for remote_viewing is loaded');
  });
});

test('a backend that is there is found by itself, and the table of a card shows chance beside every figure', async () => {
  expect(['tensorflow-gpu', 'tensorflow-cpu', 'wasm', 'js']).toContain((await openBackend()).backend);
  const table = figuresTable([{ name: 'hits', value: 0.25, chance: 0.2, chanceIs: 'one of 5' }]);
  expect(table.split('\n').at(-1)).toContain('| 0.250 | 0.200              | one of 5 |');
  expect(recipeNamed('astrology')).toBeUndefined();
});
