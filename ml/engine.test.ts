import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SessionContent } from '../domain/impressions.ts';
import { type ModelResult, resultDataSchemas } from '../domain/results.ts';
import { type BundledArtefact, listBundledArtefacts } from './artefact.ts';
import type { BackendChoice } from './backend.ts';
import { createEngine, type Engine } from './engine.ts';
import { ArtefactCorruptError, InferenceInterruptedError, UnanalyzableError } from './errors.ts';
import { nativeFolder } from './native/location.mjs';

const times = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString());

const sessions: SessionContent[] = [
  {
    sessionType: 'remote_viewing',
    cue: '4711-0815',
    impressions: {
      words: ['rocky', 'tall structure', 'Wellen'],
      transcript: 'There is water below. It moves.',
      sketches: [
        {
          width: 90,
          height: 90,
          strokes: [
            {
              points: [
                { x: 5, y: 80 },
                { x: 45, y: 5 },
                { x: 85, y: 80 },
                { x: 5, y: 80 },
              ],
            },
          ],
        },
      ],
    },
    metadata: {
      targets: [
        { id: 'sea', words: ['water', 'rock'] },
        { id: 'town', words: ['street'] },
        { id: 'wood', words: ['tree'] },
      ],
    },
  },
  {
    sessionType: 'dowsing',
    cue: 'Is it there?',
    impressions: {
      question: 'Is it there?',
      trace: { points: times.map((_, i) => ({ x: 100 + Math.sin(i * 9), y: 100 + 40 * Math.sin(i), tMs: i * 50 })) },
    },
  },
  {
    sessionType: 'dowsing',
    cue: 'Where is it?',
    impressions: {
      question: 'Where is it?',
      region: { west: 170, south: -20, east: -170, north: 0 },
      points: [
        { lon: 179, lat: -10 },
        { lon: -179.5, lat: -11, weight: 2 },
        { lon: 179.9, lat: -9 },
      ],
    },
  },
  {
    sessionType: 'precognition',
    cue: 'What comes?',
    impressions: {
      series: [
        { name: 's', times, values: times.map((_, i) => (i === 7 ? null : Math.sin((i * 2 * Math.PI) / 7) + i * 0.1)) },
      ],
      horizon: 9,
    },
  },
  {
    sessionType: 'intuitive_analysis',
    cue: 'What matters?',
    impressions: {
      dimensions: ['a', 'b', 'c'],
      rows: times.map((_, i) => [
        (i % 2) * 10 + Math.sin(i),
        i === 3 ? null : (i % 2) * 8 + Math.cos(i * 3),
        Math.sin(i * i),
      ]),
      ratings: times.map((_, i) => i % 2),
    },
  },
];

let artefacts: BundledArtefact[];
beforeAll(async () => {
  artefacts = await listBundledArtefacts();
});

/** What a ranked entry is about: near ties may come in another order on another backend. */
function subjectOf(value: unknown): string {
  const { name, id, dimension, lon, lat } = Object(value) as Record<string, unknown>;
  return JSON.stringify([name, id, dimension, lon, lat]);
}

/** Every number in a result; ranked entries in the order of what they are about. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const parts: unknown[] = Object.values(value);
  const ordered = Array.isArray(value)
    ? parts.toSorted((a, b) => (subjectOf(a) < subjectOf(b) ? -1 : subjectOf(a) > subjectOf(b) ? 1 : 0))
    : parts;
  return ordered.flatMap(numbersIn);
}

async function analyzeAll(engine: Engine): Promise<ModelResult[][]> {
  const results = [];
  for (const session of sessions) results.push(await engine.analyze(session));
  return results;
}

describe('an engine on WebAssembly (M1, M3)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ artefacts, backend: 'wasm', threads: 2 });
  });
  afterAll(async () => {
    await engine.close();
  });

  test('says what it computes on and which models it holds', () => {
    expect(engine.backend).toBe('wasm');
    expect(engine.models).toEqual(artefacts.map(({ name, version }) => ({ name, version })));
  });

  test('answers every session type in the shapes of the contract, with model, chance, summary and limits', async () => {
    const results = await analyzeAll(engine);
    expect(results.map((ofSession) => ofSession.map(({ resultType }) => resultType))).toEqual([
      ['remote_viewing.descriptors', 'remote_viewing.geography', 'remote_viewing.objects', 'remote_viewing.match'],
      ['dowsing.answer'],
      ['dowsing.location'],
      ['precognition.forecast'],
      ['intuitive_analysis.patterns'],
    ]);
    for (const { resultType, confidenceScore, data } of results.flat()) {
      expect(resultDataSchemas[resultType].parse(data)).toEqual(data);
      expect(data.model).toMatchObject({ name: resultType.split('.')[0], backend: 'wasm' });
      expect(confidenceScore).toBeGreaterThanOrEqual(0);
      expect(confidenceScore).toBeLessThanOrEqual(1);
    }
  });

  test('gives the same answer to the same session every time', async () => {
    expect(await analyzeAll(engine)).toEqual(await analyzeAll(engine));
  });

  test('answers many sessions at once, each its own', async () => {
    const asked = sessions.flatMap((session) => [session, session, session]);
    const answers = await Promise.all(asked.map((session) => engine.analyze(session)));
    expect(answers.map(([first]) => first?.data.model.name)).toEqual(asked.map(({ sessionType }) => sessionType));
  });

  test('refuses for good what no model can read: no impressions, a trace that stands still, words without a letter', async () => {
    const still = { x: 1, y: 1 };
    const unreadable: SessionContent[] = [
      { sessionType: 'precognition', cue: 'x' },
      {
        sessionType: 'dowsing',
        cue: 'x',
        impressions: {
          question: 'q',
          trace: {
            points: [
              { ...still, tMs: 0 },
              { ...still, tMs: 9 },
            ],
          },
        },
      },
      { sessionType: 'remote_viewing', cue: 'x', impressions: { words: ['...', '42'] } },
    ];
    for (const content of unreadable) await expect(engine.analyze(content)).rejects.toThrow(UnanalyzableError);
  });

  test('rejects with the reason of an abort, before and during the work, and goes on with the next session', async () => {
    const reason = new Error('The session was cancelled');
    const [session] = sessions;
    if (session === undefined) throw new Error('No session');
    await expect(engine.analyze(session, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const busy = Promise.all(sessions.map((one) => engine.analyze(one)));
    const aborted = engine.analyze(session, { signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await busy;
    expect(await engine.analyze(session)).toHaveLength(4);
  });
});

test('a thread that dies takes only its own request with it, which may be tried again on its successor (M3)', async () => {
  const workers: Worker[] = [];
  const remember = (message: unknown) => workers.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', remember);
  const engine = await createEngine({ artefacts, backend: 'wasm' });
  unsubscribe('worker_threads', remember);
  const [session] = sessions;
  if (session === undefined) throw new Error('No session');
  const interrupted = engine.analyze(session);
  const expected = expect(interrupted).rejects.toMatchObject({ name: 'InferenceInterruptedError', retryable: true });
  await Promise.all(workers.map((worker) => worker.terminate()));
  await expected;
  await expect(interrupted).rejects.toBeInstanceOf(InferenceInterruptedError);
  expect(await engine.analyze(session)).toHaveLength(4);
  await engine.close();
});

test('an artefact whose checksum or name is wrong keeps the engine from starting (M2)', async () => {
  const [first, second] = artefacts;
  if (first === undefined || second === undefined) throw new Error('No artefacts');
  const refused = [
    { ...first, sha256: second.sha256 },
    { ...first, name: second.name },
    { ...first, version: '0.0.1' },
  ];
  for (const artefact of refused) {
    await expect(createEngine({ artefacts: [artefact], backend: 'wasm' })).rejects.toThrow(ArtefactCorruptError);
  }
});

test('every backend that is present gives the same numbers within a thousandth (M3)', async () => {
  const present: BackendChoice[] = existsSync(nativeFolder()) ? ['js', 'wasm', 'native'] : ['js', 'wasm'];
  const answers: number[][][] = [];
  for (const backend of present) {
    const engine = await createEngine({ artefacts, backend });
    answers.push((await analyzeAll(engine)).map((results) => numbersIn(results)));
    await engine.close();
  }
  const [reference = [], ...others] = answers;
  for (const other of others) {
    other.forEach((numbers, s) => {
      expect(numbers).toHaveLength(reference[s]?.length ?? -1);
      const farthest = Math.max(
        ...numbers.map((value, i) => {
          const expected = reference[s]?.[i] ?? NaN;
          return Math.abs(value - expected) / Math.max(1, Math.abs(expected));
        }),
      );
      expect(farthest).toBeLessThan(1e-3);
    });
  }
});
