import { afterAll, expect, test } from '@jest/globals';
import { recipes, toyRecipe } from '../../tests/toyRecipe.ts';
import { packArtefact, unpackArtefact } from '../artefact.ts';
import { openBackend } from '../backend.ts';
import { makeModel } from './make.ts';
import { createTrainingPool } from './pool.ts';
import { planShards } from './shards.ts';

const pool = createTrainingPool({
  threads: 2,
  backend: 'auto',
  recipes: new URL('../../tests/toyRecipe.ts', import.meta.url),
});
afterAll(() => pool.close());
const { signal } = new AbortController();
const training = { model: 'dowsing', seed: 5 } as const;

test('a training in threads, from bytes to bytes, makes the same weights as one in memory, bit for bit (M4)', async () => {
  const sessions = 1_000;
  const { version, epochs } = toyRecipe;
  const [plan] = planShards(sessions);
  if (plan === undefined) throw new Error('A training has shards');
  const shard = await pool.run('simulate', { ...training, shard: plan }, signal);
  let state: Uint8Array | null = null;
  for (let epoch = 0; epoch < epochs; epoch++) {
    ({ state } = await pool.run('learn', { ...training, state, shard, shards: 1 }, signal));
  }
  if (state === null) throw new Error('A training has epochs');
  const calibrated = await pool.run('calibrate', { ...training, sessions, state }, signal);
  const { artefact } = await pool.run('finish', { ...training, sessions, version, state: calibrated }, signal);

  const runtime = await openBackend();
  const inMemory = await makeModel({ runtime, recipe: toyRecipe, sessions, seed: 5, progress: () => undefined });
  const { created } = inMemory;
  expect({ ...unpackArtefact(artefact), created }).toEqual(unpackArtefact(packArtefact(inMemory)));
});

test('the figures of a version of another architecture are not measured (M4)', async () => {
  const runtime = await openBackend();
  const made = await makeModel({
    runtime,
    recipe: recipes.dowsing,
    sessions: 100,
    seed: 1,
    progress: () => undefined,
  });
  const measured = (version: string) =>
    pool.run('measure', { ...training, artefact: packArtefact({ ...made, version }) }, signal);
  expect(await measured('7.3.1')).toEqual(made.figures);
  expect(await measured('1.0.0')).toBeNull();
});

test('what cannot be learned from is told apart from what can', async () => {
  const session = { impressions: toyRecipe.model.example.impressions };
  const known = (outcome: { answer: 'yes' } | { location: { lon: number; lat: number } }) => ({ ...session, outcome });
  const location = { lon: 0, lat: 0 };
  const learned = (sessions: ReturnType<typeof known>[]) => pool.run('learnFrom', { ...training, sessions }, signal);
  expect(await learned([known({ answer: 'yes' }), known({ location })])).toMatchObject({ sessions: 1 });
  expect(await learned([known({ location })])).toBeNull();
});

test('a model without a recipe has no facts, and cannot be simulated', async () => {
  const model = 'precognition';
  expect(await pool.run('facts', { model }, signal)).toBeNull();
  const shard = { index: 0, sessions: 1 };
  await expect(pool.run('simulate', { model, seed: 1, shard }, signal)).rejects.toThrow(model);
});

test('a job that is aborted ends with the reason, and the pool goes on', async () => {
  const abort = new AbortController();
  const shard = { index: 0, sessions: 5_000_000 };
  const simulated = pool.run('simulate', { ...training, shard }, abort.signal);
  abort.abort(new Error('Nobody wants it any more'));
  await expect(simulated).rejects.toThrow('Nobody wants it any more');
  expect(await pool.run('facts', training, signal)).toMatchObject({ version: toyRecipe.version });
});
