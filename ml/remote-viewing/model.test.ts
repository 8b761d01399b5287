import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SessionMetadata } from '../../domain/content.ts';
import type { RemoteViewingImpressions } from '../../domain/impressions.ts';
import { type ModelResult, resultDataSchemas } from '../../domain/results.ts';
import { listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend, type Runtime } from '../backend.ts';
import { meanOf } from '../../domain/statistics.ts';
import type { Predict } from '../model.ts';
import { Random } from '../random.ts';
import { sentencesFolder } from '../sentences/location.mjs';
import { at } from '../sequence.ts';
import { entry, firstRow, type NamedTensors, rowsOf, tensorOf } from '../tensors.ts';
import { calibrate } from '../training/finish.ts';
import { learnShard } from '../training/learn.ts';
import { firstState } from '../training/state.ts';
import { drawSketch } from './drawings/hand.ts';
import { learnedWays, type ObjectName, objectNames } from './drawings/objects.ts';
import { phrasesSaid } from './encode.ts';
import { signals } from './evaluation.ts';
import { simulateSession } from './generator.ts';
import { terrainNames } from './lexicon.ts';
import { meritOf } from './match.ts';
import { remoteViewing } from './model.ts';
import type { Reading } from './network.ts';
import { rasterise, side } from './raster.ts';
import { remoteViewingRecipe } from './recipe.ts';
import { concepts, phrasesFor } from './wording.ts';

/** Words are read where the sentence encoder was fetched; the tests' command fetches it where it can be had. */
const testWithWords = existsSync(sentencesFolder()) ? test : test.skip;

let runtime: Runtime;
let weights: NamedTensors;
let predict: Predict;
beforeAll(async () => {
  runtime = await openBackend();
  const artefact = (await listBundledArtefacts()).find(({ name }) => name === 'remote_viewing');
  if (artefact === undefined) throw new Error('No artefact');
  ({ weights } = unpackArtefact(artefact.bytes));
  predict = remoteViewing.load(runtime, weights);
});

async function read(
  impressions: RemoteViewingImpressions,
  metadata?: SessionMetadata,
  { on, by }: { on: Runtime; by: Predict } = { on: runtime, by: predict },
): Promise<ModelResult[]> {
  const input = { impressions, metadata };
  const inputs = remoteViewing.encode(input, on);
  const outputs = at(await by([inputs]), 0);
  const observed = Object.values(remoteViewing.observe({ input, inputs, outputs }));
  expect(observed.every(Number.isFinite)).toBe(true);
  const model = { name: 'remote_viewing', version: '0', backend: 'wasm' };
  return remoteViewing.report({ input, inputs, outputs, model });
}

function find<T extends ModelResult['resultType']>(results: ModelResult[], resultType: T) {
  const found = results.find(
    (result): result is Extract<ModelResult, { resultType: T }> => result.resultType === resultType,
  );
  if (found === undefined) throw new Error(`No ${resultType}`);
  expect(resultDataSchemas[resultType].parse(found.data)).toEqual(found.data);
  return found;
}

const pool = [
  { id: 'harbour', words: ['harbour', 'boats', 'sea', 'salt air'] },
  { id: 'forest', words: ['trees', 'moss', 'green leaves'] },
  { id: 'city', words: ['street', 'traffic', 'skyscrapers'] },
];

describe('what was recorded is recognised (M5)', () => {
  test('a drawing of each of 48 things is named first far more often than chance, and five are told', async () => {
    expect(objectNames.length).toBeGreaterThanOrEqual(40);
    const random = new Random(77);
    let right = 0;
    for (const name of objectNames) {
      for (let i = 0; i < 5; i++) {
        const { data } = find(await read({ sketches: [drawSketch(random, name)] }), 'remote_viewing.objects');
        if (data.objects[0]?.name === name) right += 1;
        expect(data.objects).toHaveLength(5);
      }
    }
    expect(right).toBeGreaterThan(0.8 * 5 * objectNames.length);
  });

  testWithWords('words that are in no list lead to their descriptors, terrain and places', async () => {
    const results = await read({
      words: ['Sahara', 'heat shimmering', 'nothing but sand'],
      transcript: 'Dunes everywhere, a caravan crossing. The ground is parched.',
    });
    const { data } = find(results, 'remote_viewing.geography');
    expect(data.terrain[0]?.name).toBe('desert');
    expect(data.terrain.map(({ name }) => name).toSorted()).toEqual([...terrainNames].toSorted());
    const { descriptors, summary } = find(results, 'remote_viewing.descriptors').data;
    expect(descriptors.slice(0, 8).map(({ name }) => name)).toEqual(expect.arrayContaining(['land', 'dry', 'hot']));
    expect(new Set(descriptors.map(({ kind }) => kind)).size).toBe(5);
    expect(summary).toContain('6 phrases were read');
  });

  testWithWords('a pool is ranked, with how much of each target is described and how much of it is right', async () => {
    const words = ['water', 'fishing vessels', 'waves', 'gulls crying'];
    const { data, confidenceScore } = find(await read({ words }, { targets: pool }), 'remote_viewing.match');
    expect(data.ranking.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    const [best, second] = data.ranking;
    expect(best?.id).toBe('harbour');
    expect(best?.figureOfMerit).toBeGreaterThan(second?.figureOfMerit ?? 1);
    expect(data.ranking.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 4);
    expect(confidenceScore).toBe(best?.score);
    expect(data.chance.value).toBeCloseTo(1 / 3, 10);
  });

  testWithWords('a pool may hold a thousand targets', async () => {
    const targets = Array.from({ length: 1_000 }, (_, i) => ({
      id: String(i),
      words: [i === 700 ? 'glacier' : 'bakery'],
    }));
    const { data } = find(await read({ words: ['ice', 'frozen white'] }, { targets }), 'remote_viewing.match');
    expect(data.ranking).toHaveLength(1_000);
    expect(data.ranking[0]?.id).toBe('700');
  });

  test('a picture of a target is compared by what it shows, with words or without, and none means none', async () => {
    const random = new Random(12);
    const pictureOf = (name: ObjectName) => [...rasterise(drawSketch(random, name, 'unseen_distortion'))];
    const targets = [
      { id: 'cactus', picture: pictureOf('cactus') },
      { id: 'boat', picture: pictureOf('boat') },
      { id: 'castle', picture: pictureOf('castle'), words: ['castle', 'walls'] },
      { id: 'blank' },
    ];
    const sketches = [drawSketch(random, 'boat')];
    const deaf = { ...runtime, sentences: null };
    for (const on of [
      { on: runtime, by: predict },
      { on: deaf, by: remoteViewing.load(deaf, weights) },
    ]) {
      const { data } = find(await read({ sketches }, { targets }, on), 'remote_viewing.match');
      expect(data.ranking[0]?.id).toBe('boat');
      expect(data.ranking).toHaveLength(targets.length);
      expect(data.limits).toContain('Of a picture its lines alone are read');
      expect(data.summary.includes('Their words were not read')).toBe(on.on.sentences === null);
    }
  });

  test('what fits in all is wholly accurate and reliable; what has nothing in common is neither', () => {
    const reading = (...terrain: number[]): Reading => ({
      objects: new Float32Array(),
      terrain: Float32Array.from(terrain),
      descriptors: new Float32Array(),
      things: new Float32Array(),
    });
    const base = reading(0.25, 0.25, 0.25, 0.25);
    expect(meritOf(reading(1, 0, 0, 0), reading(1, 0, 0, 0), base)).toEqual({
      accuracy: 1,
      reliability: 1,
      figureOfMerit: 1,
    });
    expect(meritOf(reading(1, 0, 0, 0), reading(0, 1, 0, 0), base).figureOfMerit).toBe(0);
    const half = meritOf(reading(1, 0, 0, 0), reading(1, 1, 0, 0), base);
    expect(half).toMatchObject({ accuracy: 0.5, reliability: 1, figureOfMerit: 0.5 });
    expect(meritOf(base, reading(1, 0, 0, 0), base)).toMatchObject({ accuracy: 0, reliability: 0 });
  });
});

test('sessions that are answered together get what each gets alone (M3)', async () => {
  const random = new Random(5);
  const inputs = [
    { impressions: { words: ['sea', 'tall white tower'], sketches: [drawSketch(random, 'lighthouse')] } },
    { impressions: { transcript: 'A quiet place, old stones. Moss.' }, metadata: { targets: pool } },
    { impressions: { sketches: [drawSketch(random, 'fish'), drawSketch(random, 'boat')] } },
    { impressions: { sketches: [drawSketch(random, undefined)] }, metadata: { targets: pool } },
    {
      impressions: { words: ['white'], sketches: [drawSketch(random, 'moon')] },
      metadata: { targets: [...pool, { id: 'seen', picture: [...rasterise(drawSketch(random, 'moon'))] }] },
    },
  ].map((input) => remoteViewing.encode(input, runtime));
  const together = await predict(inputs);
  for (const [i, input] of inputs.entries()) {
    const alone = at(await predict([input]), 0);
    expect(Object.keys(at(together, i))).toEqual(Object.keys(alone));
    for (const [name, { values }] of Object.entries(alone)) {
      const other = entry(at(together, i), name).values;
      expect(Math.max(...values.map((value, k) => Math.abs(value - at(other, k))))).toBeLessThan(1e-4);
    }
  }
});

describe('what cannot be read is said, not guessed', () => {
  test('without the encoder the words are not analyzed, plainly, and the sketch is all the same', async () => {
    const deaf = { ...runtime, sentences: null };
    const on = { on: deaf, by: remoteViewing.load(deaf, weights) };
    const sketches = [drawSketch(new Random(3), 'house')];
    const results = await read({ words: ['sea'], sketches }, { targets: pool }, on);
    expect(find(results, 'remote_viewing.descriptors').data.summary).toContain('The words were not analyzed');
    const alone = find(await read({ sketches }, undefined, on), 'remote_viewing.objects');
    expect(find(results, 'remote_viewing.objects').data.objects).toEqual(alone.data.objects);
    const { ranking, summary } = find(results, 'remote_viewing.match').data;
    expect(ranking.map(({ score }) => score)).toEqual([1 / 3, 1 / 3, 1 / 3].map((score) => expect.closeTo(score, 5)));
    expect(summary).toContain('could not be told apart');
    const onlyWords = await read({ words: ['sea'] }, undefined, on);
    expect(find(onlyWords, 'remote_viewing.geography').confidenceScore).toBeLessThan(0.3);
  });

  test('words in other scripts are accepted', async () => {
    const results = await read({
      words: ['海', 'гора', 'पहाड़', 'جبل', 'שלום'],
      transcript: '水が流れている。山、静か。',
    });
    expect(results).toHaveLength(2);
    expect(phrasesSaid({ transcript: '水が流れている。山、静か。' })).toEqual(['水が流れている。', '山', '静か。']);
  });

  test('a dot, and ten thousand strokes, are drawn within the picture', () => {
    const dot = rasterise({ width: 10, height: 10, strokes: [{ points: [{ x: 0, y: 10 }] }] });
    expect(dot).toHaveLength(side * side);
    expect(Math.max(...dot)).toBeGreaterThan(0.5);
    const strokes = Array.from({ length: 10_000 }, (_, i) => ({
      points: Array.from({ length: 10 }, (__, k) => ({ x: (i * 7 + k) % 97, y: (i + k * 13) % 89 })),
    }));
    const many = rasterise({ width: 100, height: 100, strokes });
    expect(many.every((ink) => ink >= 0 && ink <= 1)).toBe(true);
  });

  test('a pen that presses less leaves less ink, and one whose pressure is not known the most', () => {
    const ink = (pressure?: number) => {
      const points = [0, 9].map((x) => ({ x, y: x, ...(pressure === undefined ? {} : { pressure }) }));
      return meanOf([...rasterise({ width: 10, height: 10, strokes: [{ points }] })]);
    };
    expect(ink(0.2)).toBeLessThan(ink(0.8));
    expect(ink(1)).toBe(ink());
  });
});

describe('the committed weights, on words, targets and distortions that no training has', () => {
  testWithWords(
    'reach their figures, and come out at chance where there is no signal',
    async () => {
      const sessions = 300;
      const figures = await remoteViewingRecipe.evaluate({ runtime, weights, random: new Random(31_337), sessions });
      const valueOf = (name: string) => figures.find((figure) => figure.name === name)?.value ?? NaN;
      expect(valueOf('sketch: right object first')).toBeGreaterThan(0.78);
      expect(valueOf('sketch: right object in the first five')).toBeGreaterThan(0.93);
      expect(valueOf(`right target of 5 first, signal ${signals.middle}`)).toBeGreaterThan(0.55);
      expect(valueOf(`right picture of 5 first, signal ${signals.middle}`)).toBeGreaterThan(0.35);
      expect(valueOf(`right terrain, signal ${signals.clear}`)).toBeGreaterThan(0.75);
      const silent = figures.filter(
        ({ name }) => name.endsWith(`signal ${signals.none}`) || name.includes('of nothing'),
      );
      expect(silent).toHaveLength(7);
      for (const { name, value, chance } of silent) {
        const measured = /picture/.test(name) ? sessions / 4 : sessions;
        expect(Math.abs(value - chance)).toBeLessThan(4 * Math.sqrt((chance * (1 - chance)) / measured));
      }
      // Hundreds of pictures are drawn as files for it, and read again.
    },
    300_000,
  );

  test('name a sketch of nothing with little certainty', async () => {
    const random = new Random(78);
    const sure: number[] = [];
    for (let i = 0; i < 60; i++) {
      const results = await read({ sketches: [drawSketch(random, undefined)] });
      sure.push(find(results, 'remote_viewing.objects').confidenceScore);
    }
    expect(meanOf(sure)).toBeLessThan(0.35);
  });
});

describe('the simulation', () => {
  test('has no phrase in two parts, and none without phrases (M4)', () => {
    const phrasesOf = (part: 'learned' | 'calibration' | 'test') =>
      new Set(concepts.flatMap((concept) => phrasesFor(concept, part)));
    const [learned, calibration, kept] = [phrasesOf('learned'), phrasesOf('calibration'), phrasesOf('test')];
    const all = [...learned, ...calibration, ...kept];
    expect(new Set(all).size).toBe(all.length);
    for (const concept of concepts) {
      for (const part of ['learned', 'calibration', 'test'] as const) {
        expect(phrasesFor(concept, part).length).toBeGreaterThan(0);
      }
    }
  });

  test('has no pair of things in two parts, and several ways of drawing each (M4)', () => {
    const random = new Random(1);
    const pairsOf = (part: 'learned' | 'test') =>
      new Set(
        Array.from({ length: 2_000 }, () => {
          const { object, others } = simulateSession(random, 1, part).target;
          return `${object} ${others[0] ?? ''}`;
        }),
      );
    const kept = pairsOf('test');
    expect([...pairsOf('learned')].filter((pair) => kept.has(pair))).toEqual([]);
    expect(objectNames.every((name) => learnedWays(name).length >= 2)).toBe(true);
  });
});

/** An encoder for tests of what does not depend on meaning: a text's letters make its vector. */
const letters: Runtime['sentences'] = {
  dimensions: 16,
  tokenise: (texts) => {
    const longest = Math.max(...texts.map(({ length }) => length));
    const codes = texts.flatMap((text) => Array.from({ length: longest }, (_, i) => text.codePointAt(i) ?? -1));
    return tensorOf([texts.length, longest], codes);
  },
  embed: (tokens) => {
    const rows = rowsOf(tokens).map((codes) => {
      const sums = Array.from({ length: 16 }, (_, i) => codes.filter((code) => code >= 0 && code % 16 === i).length);
      return sums.map((sum) => sum / Math.hypot(...sums));
    });
    return Promise.resolve(tensorOf([rows.length, 16], rows.flat()));
  },
};

describe('a training (M4)', () => {
  test('runs through, gives every weight that the network needs, and the same ones to the same seed', async () => {
    const plain = { ...(await openBackend('js')), sentences: letters };
    const recipe = { ...remoteViewingRecipe, epochs: 1 };
    const seed = 5;
    const train = async () => {
      const shard = await recipe.simulate({ runtime: plain, random: new Random(seed), sessions: 12 });
      const state = firstState(recipe, seed);
      const trained = await learnShard({ runtime: plain, recipe, seed, state, shard, shards: 1 });
      return calibrate({ runtime: plain, recipe, weights: trained.weights, seed, sessions: 12 });
    };
    const [first, second] = [await train(), await train()];
    expect(Object.keys(first)).toEqual(Object.keys(weights));
    expect(Object.values(first).every(({ values }) => values.every(Number.isFinite))).toBe(true);
    expect(second).toEqual(first);
    const session = remoteViewing.encode(recipe.session(new Random(1)), plain);
    expect(await remoteViewing.load(plain, first)([session])).toHaveLength(1);
  });

  test('learns from a real session what its outcome tells, and nothing where it tells nothing', async () => {
    const on = { ...runtime, sentences: letters };
    const sketches = [drawSketch(new Random(1), 'boat'), drawSketch(new Random(2), 'wave')];
    const learned = await remoteViewingRecipe.learnFrom(
      {
        impressions: { words: ['calm water'], sketches },
        metadata: { targets: pool },
        outcome: { targetId: 'city', terrain: 'coast', objects: ['boat', 'unicorn'] },
      },
      on,
    );
    const { pictures, known, terrain, things } = learned?.viewing ?? {};
    expect(pictures?.shape).toEqual([2, side, side, 1]);
    expect(firstRow(known ?? tensorOf([0, 1], []))).toEqual([0, 1, 0, 1]);
    expect(terrainNames[firstRow(terrain ?? tensorOf([0, 1], [])).indexOf(1)]).toBe('coast');
    const named = objectNames.filter((_, i) => things?.values[i] === 1);
    expect(named).toEqual(['boat', 'road']);
    const silent = { impressions: { words: ['calm'] }, outcome: { words: ['indescribable'] } };
    expect(await remoteViewingRecipe.learnFrom(silent, on)).toBeNull();
  });
});
