import { beforeAll, describe, expect, test } from '@jest/globals';
import type { RemoteViewingImpressions, SessionMetadata } from '../../domain/impressions.ts';
import type { ModelResult } from '../../domain/results.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import { meanOf } from '../figures.ts';
import type { Predict } from '../model.ts';
import { Random } from '../random.ts';
import type { NamedTensors, Tf } from '../tensors.ts';
import { drawSketch, objectNames } from './drawings.ts';
import { baseForm, tokenise } from './lexicon.ts';
import { remoteViewing } from './model.ts';
import { rasterise, side } from './raster.ts';
import { remoteViewingTrainer } from './training.ts';

let runtime: Runtime;
let tf: Tf;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend('wasm');
  ({ tf } = runtime);
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'remote_viewing');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = remoteViewing.load(runtime, weights);
});

async function read(impressions: RemoteViewingImpressions, metadata?: SessionMetadata): Promise<ModelResult[]> {
  const input = { impressions, metadata };
  const inputs = remoteViewing.encode(input, runtime);
  const [outputs = {}] = await predict([inputs]);
  return remoteViewing.report({
    input,
    inputs,
    outputs,
    model: { name: 'remote_viewing', version: '0', backend: 'wasm' },
  });
}

function find<T extends ModelResult['resultType']>(results: ModelResult[], resultType: T) {
  const found = results.find(
    (result): result is Extract<ModelResult, { resultType: T }> => result.resultType === resultType,
  );
  if (found === undefined) throw new Error(`No ${resultType}`);
  return found;
}

describe('what was recorded is recognised (M5)', () => {
  test('a drawing of each thing is named first far more often than chance', async () => {
    const random = new Random(77);
    let right = 0;
    for (const name of objectNames) {
      for (let i = 0; i < 5; i++) {
        const { data } = find(await read({ sketches: [drawSketch(random, name)] }), 'remote_viewing.objects');
        if (data.objects[0]?.name === name) right += 1;
        expect(data.objects.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4);
      }
    }
    expect(right).toBeGreaterThan(0.8 * 5 * objectNames.length);
  });

  test('words lead to their descriptors, terrain and places', async () => {
    const results = await read({
      words: ['sand', 'dry', 'hot sun'],
      transcript: 'Dunes everywhere, arid and barren. A camel.',
    });
    const { data } = find(results, 'remote_viewing.geography');
    expect(data.terrain[0]?.name).toBe('desert');
    expect(data.places[0]?.probability).toBeLessThan(0.5);
    expect(['Pyramids of Giza', 'Sahara, Merzouga', 'Uluru', 'Atacama Desert', 'Monument Valley']).toContain(
      data.places[0]?.name,
    );
    expect(find(results, 'remote_viewing.descriptors').data.summary).toContain('8 of 11 words were known');
  });

  test('a pool of targets is ranked, its scores adding to 1', async () => {
    const targets = [
      { id: 'harbour', words: ['harbour', 'boat', 'sea', 'salt'] },
      { id: 'forest', words: ['tree', 'moss', 'green'] },
      { id: 'city', words: ['street', 'traffic', 'skyscraper'] },
    ];
    const { data, confidenceScore } = find(
      await read({ words: ['water', 'boat', 'waves', 'gulls'] }, { targets }),
      'remote_viewing.match',
    );
    expect(data.ranking.map(({ id }) => id)[0]).toBe('harbour');
    expect(data.ranking.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 4);
    expect(confidenceScore).toBe(data.ranking[0]?.score);
    expect(data.chance.value).toBeCloseTo(1 / 3, 10);
  });
});

describe('what cannot be read is said, not guessed', () => {
  test('words in other scripts are accepted, and the result says that none was known', async () => {
    const results = await read({ words: ['海', 'гора', 'पहाड़', 'جبل'] });
    expect(find(results, 'remote_viewing.descriptors').data.summary).toContain('None of the words was known');
    expect(find(results, 'remote_viewing.geography').confidenceScore).toBeLessThan(0.3);
  });

  test('a dot, and a sketch of very many points, are drawn within the picture', () => {
    const dot = rasterise({ width: 10, height: 10, strokes: [{ points: [{ x: 0, y: 10 }] }] });
    expect(dot).toHaveLength(side * side);
    expect(Math.max(...dot)).toBeGreaterThan(0.5);
    const many = Array.from({ length: 100_000 }, (_, i) => ({ x: i % 97, y: (i * 7) % 89 }));
    expect(
      rasterise({ width: 100, height: 100, strokes: [{ points: many }] }).every((ink) => ink >= 0 && ink <= 1),
    ).toBe(true);
  });

  test('endings are taken off to find a word, whatever its case', () => {
    expect(tokenise('Rocky WAVES, splashing!').map(baseForm)).toEqual(['rock', 'wave', 'splash']);
    expect(baseForm('xyzzy')).toBeUndefined();
  });
});

describe('without a signal it comes out at chance', () => {
  test('a sketch of nothing is named with little certainty', async () => {
    const random = new Random(78);
    const sure: number[] = [];
    for (let i = 0; i < 60; i++) {
      sure.push(
        find(await read({ sketches: [drawSketch(random, undefined)] }), 'remote_viewing.objects').confidenceScore,
      );
    }
    expect(meanOf(sure)).toBeLessThan(0.35);
  });

  test('figures without a signal are those of chance, and the committed weights reach the others on new seeds', async () => {
    const figures = await remoteViewingTrainer.evaluate({ tf, weights, seed: 31_337, sessions: 400 });
    for (const { name, value, chance } of figures) {
      const noise = 4 * Math.sqrt((chance * (1 - chance)) / 400);
      if (name.includes('signal 0.5') || name.includes('right object')) {
        if (!name.includes('nothing')) expect(value).toBeGreaterThan(chance + 0.15);
      }
      if (name.endsWith('signal 0') || name.includes('nothing')) expect(Math.abs(value - chance)).toBeLessThan(noise);
    }
  });
});

test('a small training runs through and gives every weight that the network needs (M4)', async () => {
  const { tf: plain } = await openBackend('js');
  const trained = await remoteViewingTrainer.train({ tf: plain, seed: 5, sessions: 4, progress: () => undefined });
  expect(Object.keys(trained)).toEqual(Object.keys(weights));
  expect(Object.values(trained).every(({ values }) => values.every(Number.isFinite))).toBe(true);
});
