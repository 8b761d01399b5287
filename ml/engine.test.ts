import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { sessionContentSchema, type SessionContent } from '../domain/content.ts';
import { type ModelResult, resultDataSchemas } from '../domain/results.ts';
import { sessionTypes, type SessionType } from '../domain/session.ts';
import { type BundledArtefact, listBundledArtefacts, packArtefact, unpackArtefact } from './artefact.ts';
import type { BackendChoice } from './backend.ts';
import { type BatchFacts, createEngine, type Engine, type EngineArtefact, type EngineOptions } from './engine.ts';
import { InferenceInterruptedError, ModelMissingError, UnanalyzableError } from './errors.ts';
import { nativeFolder } from './native/location.mjs';
import { Random } from './random.ts';
import { sessions, times } from './sessions.fixture.ts';
import { sha256Of } from './tensorFile.ts';
import { recipes } from './training/recipes.ts';

let artefacts: EngineArtefact[];
beforeAll(async () => {
  artefacts = (await listBundledArtefacts()).map(servable);
});

function servable({ name, version, sha256, bytes }: BundledArtefact): EngineArtefact {
  return { name, version, sha256, fetch: () => Promise.resolve(bytes) };
}

/** The same weights under another version. */
async function renamed(artefact: EngineArtefact, version: string): Promise<EngineArtefact> {
  const bytes = packArtefact({ ...unpackArtefact(await artefact.fetch()), version });
  return { name: artefact.name, version, sha256: sha256Of(bytes), fetch: () => Promise.resolve(bytes) };
}

/** The same weights under a later version of the same architecture. */
function later(artefact: EngineArtefact, patch: number): Promise<EngineArtefact> {
  const [major = ''] = artefact.version.split('.');
  return renamed(artefact, `${major}.99.${patch}`);
}

async function serving(options: EngineOptions, served = artefacts): Promise<Engine> {
  const engine = await createEngine(options);
  expect(await engine.serve(served)).toEqual({ refused: [] });
  return engine;
}

function sessionOf(sessionType: SessionContent['sessionType']): SessionContent {
  const session = sessions.find((one) => one.sessionType === sessionType);
  if (session === undefined) throw new Error(`No session of ${sessionType}`);
  return session;
}

/** What nobody said before takes the sentence encoder a tenth of a second, so all people of a test share these words. */
const vocabulary = [
  'rocky',
  'tall structure',
  'waves',
  'a bridge',
  'cold',
  'trees',
  'loud',
  'sand',
  'a tower',
  'smooth',
];

/** A simulated session as its person would send it, but for its words. */
function simulated(sessionType: SessionType, random: Random): SessionContent {
  const said = (key: string, value: unknown) =>
    key === 'words' && Array.isArray(value) ? value.map(() => random.pick(vocabulary)) : value;
  const session: unknown = JSON.parse(JSON.stringify(recipes[sessionType].session(random)), said);
  return sessionContentSchema.parse({ sessionType, cue: 'x', ...Object(session) });
}

function artefactOf(sessionType: SessionContent['sessionType']): EngineArtefact {
  const artefact = artefacts.find(({ name }) => name === sessionType);
  if (artefact === undefined) throw new Error(`No artefact of ${sessionType}`);
  return artefact;
}

/** What an entry of a list is about, or its place: near ties may come in another order on another backend. */
function subjectOf(value: unknown, place: number): string {
  const { name, id, dimension, row, lon, lat } = Object(value) as Record<string, unknown>;
  const subject = [name, id, dimension, row, lon, lat].filter((part) => part !== undefined);
  return subject.length > 0 ? JSON.stringify(subject) : String(place);
}

/** Every number in a result, by where it stands. */
function numbersIn(value: unknown, path = ''): Map<string, number> {
  if (typeof value === 'number') return new Map([[path, value]]);
  const parts: [string, unknown][] = Array.isArray(value)
    ? value.map((part: unknown, i) => [subjectOf(part, i), part])
    : Object.entries(Object(value) as object);
  return new Map(
    parts.flatMap(([key, part]) => (typeof value === 'string' ? [] : [...numbersIn(part, `${path}/${key}`)])),
  );
}

/**
 * How far numbers lie from those that were expected: as a share of them, where they are greater than 1. Of a list that
 * is cut, the last entries may be others where the cut goes through a tie, as among cells of a map that are of one kind
 * of land, so one in five may have no counterpart.
 */
function farthest(numbers: Map<string, number>, expected: Map<string, number>): number {
  const shared = [...numbers].filter(([path]) => expected.has(path));
  expect(numbers.size).toBe(expected.size);
  expect(shared.length).toBeGreaterThanOrEqual(0.8 * expected.size);
  return Math.max(
    ...shared.map(([path, value]) => {
      const other = expected.get(path) ?? NaN;
      return Math.abs(value - other) / Math.max(1, Math.abs(other));
    }),
  );
}

/** How many threads were started since. */
function countThreads(): () => number {
  let count = 0;
  subscribe('worker_threads', () => {
    count += 1;
  });
  return () => count;
}

/** Until what was asked of the engine in this turn of the event loop has been handed to its thread. */
async function underWay(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

async function weightBytesOf(artefact: EngineArtefact): Promise<number> {
  const { weights } = unpackArtefact(await artefact.fetch());
  return Object.values(weights).reduce((sum, { values }) => sum + values.byteLength, 0);
}

async function analyzeAll(engine: Engine): Promise<ModelResult[][]> {
  const results = [];
  for (const session of sessions) results.push((await engine.analyze(session)).results);
  return results;
}

describe('an engine on WebAssembly (M1, M3)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await serving({ backend: 'wasm', threads: 2 });
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

  test('reads an image as a sketch, and refuses one that cannot be unpacked', async () => {
    const cross = '<svg width="60" height="60"><path d="M5 5 55 55M55 5 5 55" stroke="black" stroke-width="4"/></svg>';
    const png = await sharp(Buffer.from(cross)).flatten({ background: 'white' }).png().toBuffer();
    const sessionWith = (bytes: Buffer): SessionContent => ({
      sessionType: 'remote_viewing',
      cue: '4821-0937',
      impressions: { image: { mediaType: 'image/png', base64: bytes.toString('base64') } },
    });
    const { results } = await engine.analyze(sessionWith(png));
    expect(results.map(({ resultType }) => resultType)).toContain('remote_viewing.objects');
    await expect(engine.analyze(sessionWith(png.fill(0, 60, png.length - 20)))).rejects.toThrow(UnanalyzableError);
  });

  test('gives the same answer to the same session every time', async () => {
    expect(await analyzeAll(engine)).toEqual(await analyzeAll(engine));
  });

  test('answers many sessions at once, each its own', async () => {
    const asked = sessions.flatMap((session) => [session, session, session]);
    const answers = await Promise.all(asked.map((session) => engine.analyze(session)));
    expect(answers.map(({ results: [first] }) => first?.data.model.name)).toEqual(
      asked.map(({ sessionType }) => sessionType),
    );
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
    expect((await engine.analyze(session)).results).toHaveLength(4);
  });
});

describe('a batch (M1, M3)', () => {
  const readable = Array.from({ length: 5 }, (_, i): SessionContent => ({
    sessionType: 'precognition',
    cue: 'x',
    impressions: { series: [{ name: 's', times, values: times.map((_, t) => Math.sin(t + i) + i) }], horizon: 3 + i },
  }));

  test('gathers what arrives together, up to 32, and answers each session as if it were alone', async () => {
    const batches: BatchFacts[] = [];
    const engine = await serving({ backend: 'wasm', onBatch: (batch) => batches.push(batch) });
    const asked = Array.from({ length: 8 }, () => [...sessions, ...readable]).flat();
    const together = await Promise.all(asked.map((session) => engine.analyze(session)));
    const sizes = batches.map(({ name, size }) => `${name} ${size}`);
    expect(sizes.toSorted()).toEqual([
      'dowsing 16',
      'intuitive_analysis 8',
      'precognition 16',
      'precognition 32',
      'remote_viewing 8',
    ]);
    for (const { size, queuedMs } of batches) {
      expect(queuedMs).toHaveLength(size);
      expect(Math.min(...queuedMs)).toBeGreaterThanOrEqual(0);
    }
    for (const [i, session] of asked.slice(0, sessions.length + readable.length).entries()) {
      const alone = numbersIn((await engine.analyze(session)).results);
      const inBatch = numbersIn(together[i]?.results);
      expect(farthest(inBatch, alone)).toBeLessThan(1e-3);
    }
    await engine.close();
  });

  test('answers the others when one of its sessions cannot be read', async () => {
    const engine = await serving({ backend: 'wasm' });
    const unreadable: SessionContent = { sessionType: 'precognition', cue: 'x' };
    const answers = await Promise.allSettled([unreadable, ...readable].map((session) => engine.analyze(session)));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', ...readable.map(() => 'fulfilled')]);
    expect(answers[0]).toMatchObject({ reason: { name: 'UnanalyzableError' } });
    await engine.close();
  });

  test('goes on for the others when one of its requests is aborted, and is stopped when all are', async () => {
    const started = countThreads();
    const engine = await serving({ backend: 'wasm' });
    const [one, all] = [new AbortController(), new AbortController()];
    const reason = new Error('Cancelled');
    const asked = readable.map((session, i) => engine.analyze(session, i === 2 ? { signal: one.signal } : {}));
    const settled = Promise.allSettled(asked);
    await underWay();
    one.abort(reason);
    expect((await settled).map(({ status }) => status)).toEqual(
      readable.map((_, i) => (i === 2 ? 'rejected' : 'fulfilled')),
    );
    expect(started()).toBe(1);
    const unwanted = readable.map((session) => engine.analyze(session, { signal: all.signal }));
    const rejected = Promise.allSettled(unwanted);
    await underWay();
    all.abort(reason);
    expect(await rejected).toEqual(readable.map(() => ({ status: 'rejected', reason })));
    expect((await engine.analyze(sessionOf('dowsing'))).results).toHaveLength(1);
    expect(started()).toBe(2);
    await engine.close();
  });

  test('fails with its thread, and may be tried again on its successor', async () => {
    const workers: Worker[] = [];
    const remember = (message: unknown) => workers.push((message as { worker: Worker }).worker);
    subscribe('worker_threads', remember);
    const engine = await serving({ backend: 'wasm' });
    unsubscribe('worker_threads', remember);
    const asked = Promise.allSettled(readable.map((session) => engine.analyze(session)));
    await underWay();
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (const answer of await asked) {
      if (answer.status === 'fulfilled') throw new Error('It was answered by a thread that died');
      expect(answer.reason).toBeInstanceOf(InferenceInterruptedError);
    }
    expect(await Promise.all(readable.map((session) => engine.analyze(session)))).toHaveLength(readable.length);
    await engine.close();
  });
});

describe('sessions of all types in flight together (M1, M3)', () => {
  /** How far an answer may lie from the one that the session gets alone (docs/performance.md). */
  const tolerances = { remote_viewing: 2e-6, dowsing: 0, precognition: 0, intuitive_analysis: 0 };
  const batches: BatchFacts[] = [];
  const together = new Map<SessionContent, ModelResult[]>();
  let engine: Engine;

  beforeAll(async () => {
    engine = await serving({ backend: 'wasm', onBatch: (batch) => batches.push(batch) });
    const random = new Random(1);
    const asked = Array.from({ length: 32 }, () => sessionTypes.map((type) => simulated(type, random))).flat();
    const answers = await Promise.all(asked.map((session) => engine.analyze(session)));
    asked.forEach((session, i) => together.set(session, answers[i]?.results ?? []));
  });
  afterAll(() => engine.close());

  test('go through their networks 32 at a time', () => {
    const sizes = batches.map(({ name, size }) => `${name} ${size}`);
    expect(sizes.sort()).toEqual(sessionTypes.map((type) => `${type} 32`).sort());
  });

  test.each(sessionTypes)('32 different ones of %s are answered as each is alone', async (type) => {
    const ofType = [...together].filter(([{ sessionType }]) => sessionType === type);
    expect(new Set(ofType.map(([session]) => JSON.stringify(session))).size).toBe(32);
    for (const [session, inBatch] of ofType) {
      const alone = (await engine.analyze(session)).results;
      if (tolerances[type] === 0) expect(inBatch).toEqual(alone);
      else expect(farthest(numbersIn(inBatch), numbersIn(alone))).toBeLessThanOrEqual(tolerances[type]);
    }
  });
});

test('twenty versions are served in the memory of five: those asked for least recently are loaded again on demand (M2)', async () => {
  const bundled = artefactOf('dowsing');
  const fetched: string[] = [];
  const versions = await Promise.all(Array.from({ length: 20 }, (_, i) => later(bundled, i)));
  const counted = versions.map((artefact): EngineArtefact => ({
    ...artefact,
    fetch: () => {
      fetched.push(artefact.version);
      return artefact.fetch();
    },
  }));
  const engine = await serving({ backend: 'wasm', memoryBytes: 5 * (await weightBytesOf(bundled)) }, counted);
  expect(fetched).toEqual(versions.map(({ version }) => version));
  const ask = async ({ version }: EngineArtefact) => {
    const { results } = await engine.analyze(sessionOf('dowsing'), { version });
    expect(results[0]?.data.model.version).toBe(version);
  };
  fetched.length = 0;
  for (const version of versions.slice(15)) await ask(version);
  expect(fetched).toEqual([]);
  for (const version of versions) await ask(version);
  // The five that were loaded were the last of the row, so each gave way before its turn came.
  expect(fetched).toEqual(versions.map(({ version }) => version));
  await engine.close();
});

describe('serving versions (M2)', () => {
  test('refuses an artefact whose checksum, name, version or architecture is wrong, says why, and keeps the old one', async () => {
    const [dowsing, precognition] = [artefactOf('dowsing'), artefactOf('precognition')];
    const engine = await serving({ backend: 'wasm', threads: 2 }, [dowsing]);
    const newer = await later(dowsing, 1);
    const refused = [
      { ...newer, sha256: precognition.sha256 },
      { ...dowsing, version: newer.version },
      { ...precognition, name: dowsing.name, version: newer.version },
      await renamed(dowsing, '99.0.0'),
      { ...newer, fetch: () => Promise.reject(new Error('The object storage is not reachable')) },
    ];
    for (const artefact of refused) {
      const { name, version } = artefact;
      expect(await engine.serve([artefact])).toEqual({ refused: [{ name, version, reason: expect.any(String) }] });
      expect(engine.models).toEqual([{ name: 'dowsing', version: dowsing.version }]);
    }
    const { results } = await engine.analyze(sessionOf('dowsing'));
    expect(results[0]?.data.model.version).toBe(dowsing.version);
    expect(await engine.serve([newer])).toEqual({ refused: [] });
    expect(engine.models).toEqual([{ name: 'dowsing', version: newer.version }]);
    await engine.close();
  });

  test('loses no request while versions come and go under load, and each result names the version asked for', async () => {
    const batches: BatchFacts[] = [];
    const first = artefactOf('dowsing');
    const versions = [first, await later(first, 1), await later(first, 2)];
    const engine = await serving({ backend: 'wasm', threads: 2, onBatch: (batch) => batches.push(batch) }, [first]);
    const asked: string[] = [];
    const answers: Promise<string | undefined>[] = [];
    const ask = (version: string) => {
      asked.push(version);
      const analysis = engine.analyze(sessionOf('dowsing'), { version });
      answers.push(analysis.then(({ results }) => results[0]?.data.model.version));
    };
    let served = [first];
    for (const next of [versions, versions.slice(1), versions.slice(2), versions, versions.slice(0, 1)]) {
      for (const { version } of served) for (let i = 0; i < 100; i++) ask(version);
      const swapped = engine.serve(next);
      const staying = next.filter((artefact) => served.includes(artefact));
      for (const { version } of staying) for (let i = 0; i < 100; i++) ask(version);
      expect(await swapped).toEqual({ refused: [] });
      served = next;
    }
    expect(asked.length).toBeGreaterThan(1_000);
    expect(await Promise.all(answers)).toEqual(asked);
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(asked.length);
    expect(Math.max(...batches.map(({ size }) => size))).toBe(32);
    expect(engine.models).toEqual([{ name: 'dowsing', version: first.version }]);
    await engine.close();
  });

  test('finds a version that is not served when a session asks for it, and says when there is none', async () => {
    const served = artefactOf('dowsing');
    const older = await later(served, 9);
    const engine = await serving(
      { backend: 'wasm', find: ({ version }) => Promise.resolve(version === older.version ? older : null) },
      [served],
    );
    const { results } = await engine.analyze(sessionOf('dowsing'), { version: older.version });
    expect(results[0]?.data.model.version).toBe(older.version);
    await expect(engine.analyze(sessionOf('dowsing'), { version: '7.7.7' })).rejects.toThrow(ModelMissingError);
    await expect(engine.analyze(sessionOf('precognition'))).rejects.toThrow(ModelMissingError);
    await engine.serve([served, older]);
    await expect(engine.analyze(sessionOf('dowsing'))).rejects.toThrow('one must be named');
    await engine.close();
  });
});

test('every backend that is present gives the same numbers within a thousandth, alone and in a batch (M3)', async () => {
  const present: BackendChoice[] = existsSync(nativeFolder()) ? ['js', 'wasm', 'native'] : ['js', 'wasm'];
  const answers: Map<string, number>[][] = [];
  for (const backend of present) {
    const engine = await serving({ backend });
    const together = await Promise.all([...sessions, ...sessions].map((session) => engine.analyze(session)));
    answers.push((await analyzeAll(engine)).map((results) => numbersIn(results)));
    answers.push(together.slice(sessions.length).map(({ results }) => numbersIn(results)));
    await engine.close();
  }
  const [reference = [], ...others] = answers;
  for (const other of others) {
    other.forEach((numbers, s) => {
      expect(farthest(numbers, reference[s] ?? new Map<string, number>())).toBeLessThan(1e-3);
    });
  }
});
