import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { readConfig } from '../config.ts';
import type { Training } from '../db/entities.ts';
import { activeVersion, findVersion } from '../db/models.ts';
import { recordOutcome } from '../db/outcomes.ts';
import { insertSession } from '../db/sessionSteps.ts';
import { findTraining } from '../db/trainings.ts';
import type { TrainingWorkflowInput } from '../domain/trainings.ts';
import { ObjectMissingError } from '../integrations/objectStore.ts';
import { unpackArtefact } from '../ml/artefact.ts';
import { openBackend } from '../ml/backend.ts';
import { sha256Of } from '../ml/tensorFile.ts';
import { makeModel } from '../ml/training/make.ts';
import { openResources } from '../resources.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { openPayload } from '../temporal/codec.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { standApart } from './apart.ts';
import { newUser } from './database.ts';
import { exampleOf } from './examples.ts';
import { payloadsIn } from './histories.ts';
import { patientWaitMs, startPlatform, type Platform } from './platform.ts';
import { startProcess } from './processes.ts';
import { toyRecipe } from './toyRecipe.ts';
import { until } from './until.ts';

/*
 * Trainings of a toy model on the real parts. What a training makes is held against the same training in memory, which
 * must give the same weights bit for bit.
 */

const patienceMs = 300_000;
let apart: Awaited<ReturnType<typeof standApart>>;
let platform: Platform;
beforeAll(async () => {
  apart = await standApart();
  platform = await startPlatform(apart, new URL('toyRecipe.ts', import.meta.url));
}, patienceMs);
afterAll(() => platform.close());

/** Where trainings run. */
type Place = Pick<Platform, 'resources' | 'workflows'>;

async function start(given: Partial<TrainingWorkflowInput> = {}, at: Place = platform): Promise<TrainingWorkflowInput> {
  const input: TrainingWorkflowInput = {
    trainingId: randomUUID(),
    model: 'dowsing',
    sessions: 1_000,
    seed: 1,
    startedBy: null,
    fingerprint: 'f'.repeat(64),
    ...given,
  };
  expect(await at.workflows.startTraining(input)).toEqual({ kind: 'started', answer: { kind: 'started' } });
  return input;
}

/** Waits until a training has come to a point, and hands over each state of it that is seen on the way. */
function untilReached(
  trainingId: string,
  reached: (training: Training) => boolean,
  at: Place = platform,
  seen: (training: Training) => void = () => undefined,
): Promise<Training> {
  const { database } = at.resources;
  return until(async () => {
    const training = await findTraining(database.asService(), trainingId);
    if (training !== null) seen(training);
    return training !== null && reached(training) ? training : null;
  });
}

const hasEnded = ({ state }: Training) => state !== 'running';

async function train(given: Partial<TrainingWorkflowInput>): Promise<Training> {
  const { trainingId } = await start(given);
  return untilReached(trainingId, hasEnded);
}

const service = () => platform.resources.database.asService();

async function inMemory({ sessions, seed }: { sessions: number; seed: number }) {
  return makeModel({ runtime: await openBackend(), recipe: toyRecipe, sessions, seed, progress: () => undefined });
}

async function artefactOf({ model, version }: Training) {
  const registered = await findVersion(service(), { name: model, version: version ?? '' });
  if (registered === null) throw new Error('The version is not registered');
  const bytes = await platform.resources.objects.getSealed(registered.artefactKey);
  expect(sha256Of(bytes)).toBe(registered.sha256);
  return { registered, artefact: unpackArtefact(bytes) };
}

const active = async () => (await activeVersion(service(), 'dowsing'))?.version;

/** In the middle of an epoch that is not the first. */
const inMidEpoch =
  (shards: number) =>
  ({ stage, epoch, stageDone }: Training) =>
    stage === 'train' && epoch > 0 && Math.round(stageDone * toyRecipe.epochs * shards) % shards !== 0;

describe('a training (M4)', () => {
  test(
    'goes through every stage to a registered version, the same bit for bit as one in memory, and leaves its manifest alone',
    async () => {
      const training = await train({ sessions: 3_000, seed: 4 });
      expect(training).toMatchObject({
        state: 'completed',
        stage: 'promote',
        epoch: toyRecipe.epochs,
        epochs: toyRecipe.epochs,
        failure: null,
        decision: 'promoted',
        reason: 'No version was active.',
      });
      const { registered, artefact } = await artefactOf(training);
      const expected = await inMemory({ sessions: 3_000, seed: 4 });
      expect(artefact.weights).toEqual(expected.weights);
      expect(artefact.figures).toEqual(expected.figures);
      expect(artefact.profile).toEqual(expected.profile);
      expect(registered).toMatchObject({ seed: 4, sessions: 3_000, backend: (await openBackend()).backend });
      expect(registered.card).toContain('--sessions 3000 --seed 4');
      expect(await active()).toBe(training.version);

      const { objects } = platform.resources;
      const manifest: unknown = JSON.parse(
        Buffer.from(await objects.getSealed(`${registered.artefactKey}.manifest`)).toString(),
      );
      expect(manifest).toMatchObject({ seed: 4, shards: [{ index: 0, kind: 'simulated', sessions: 3_000 }] });
      await expect(objects.getSealed(`trainings/${training.id}/shards/0`)).rejects.toThrow(ObjectMissingError);
      await expect(objects.getSealed(`trainings/${training.id}/checkpoint`)).rejects.toThrow(ObjectMissingError);
    },
    patienceMs,
  );

  test(
    'promotes a version that beats the active one on the frozen test set, and no other',
    async () => {
      const before = await active();
      const worse = await train({ sessions: 300 });
      expect(worse).toMatchObject({ state: 'completed', decision: 'kept', activeVersion: before });
      expect(worse.reason).toMatch(/does not beat/);
      expect(await active()).toBe(before);
      expect((await artefactOf(worse)).registered.figures).toEqual(worse.figures);

      const better = await train({ sessions: 9_000 });
      expect(better).toMatchObject({ decision: 'promoted', activeVersion: before });
      expect(better.figures?.[0]?.value).toBeGreaterThan(better.activeFigures?.[0]?.value ?? Infinity);
      expect(await active()).toBe(better.version);
    },
    2 * patienceMs,
  );

  test(
    'makes a corrupt and a missing shard again, and ends the same',
    async () => {
      const { trainingId } = await start({ sessions: 40_000, seed: 2 });
      await untilReached(trainingId, ({ stage, epoch }) => stage === 'train' && epoch > 0);
      const { objects } = platform.resources;
      await objects.putSealed(`trainings/${trainingId}/shards/1`, Buffer.from('something else'));
      await objects.delete(`trainings/${trainingId}/shards/2`);
      const training = await untilReached(trainingId, hasEnded);
      expect(training).toMatchObject({ state: 'completed' });
      const { artefact } = await artefactOf(training);
      expect(artefact.weights).toEqual((await inMemory({ sessions: 40_000, seed: 2 })).weights);
    },
    2 * patienceMs,
  );

  test(
    'is one at a time for a model, is the same when it is asked for again, and ends when it is cancelled',
    async () => {
      const input = await start({ sessions: 900_000 });
      const { trainingId } = input;
      const another = { ...input, trainingId: randomUUID() };
      expect(await platform.workflows.startTraining(another)).toEqual({
        kind: 'started',
        answer: { kind: 'already_running', trainingId },
      });
      expect(await findTraining(service(), another.trainingId)).toBeNull();
      expect(await platform.workflows.startTraining(input)).toMatchObject({ answer: { kind: 'started' } });
      const otherRequest = { ...input, fingerprint: 'e'.repeat(64) };
      expect(await platform.workflows.startTraining(otherRequest)).toEqual({ kind: 'other_request' });

      const before = await active();
      await untilReached(trainingId, ({ stageDone }) => stageDone > 0);
      await platform.workflows.cancelTraining(trainingId);
      expect(await untilReached(trainingId, hasEnded)).toMatchObject({
        state: 'cancelled',
        failure: null,
        decision: null,
      });
      expect(await active()).toBe(before);
      const { objects } = platform.resources;
      expect(await objects.deletePrefix(`trainings/${trainingId}/`)).toBe(0);
      expect(await train({ sessions: 200 })).toMatchObject({ state: 'completed' });
    },
    2 * patienceMs,
  );

  test('of a model without a recipe fails at once, in plain words (M4)', async () => {
    const { state, failure } = await train({ model: 'precognition' });
    expect(state).toBe('failed');
    expect(failure).toContain('There is no recipe for this model');
  });

  test(
    'learns from real sessions whose outcome is known, if their owners consented, and from no others (M4, I5)',
    async () => {
      const { database, contents } = platform.resources;
      await service().execute('delete from outcomes');
      const { id: userId } = await newUser(database);
      for (const consent of [true, false]) {
        const sessionId = randomUUID();
        const content = { ...(await exampleOf('dowsing')), metadata: { training_consent: consent } };
        const contentKey = await contents.put({ sessionId, userId }, 'v', content);
        await insertSession(service(), {
          ...{ id: sessionId, userId, sessionType: 'dowsing', cue: 'q', fingerprint: 'f'.repeat(64) },
          ...{ metadata: content.metadata, contentKey, hasImpressions: true },
        });
        const scorecard = {} as Parameters<typeof recordOutcome>[1]['scorecard'];
        const knownAt = new Date().toISOString();
        await recordOutcome(service(), {
          sessionId,
          outcome: { answer: 'yes' },
          scorecard,
          knownAt,
          recordedBy: userId,
        });
      }
      const training = await train({ sessions: 500 });
      expect(training).toMatchObject({ state: 'completed', realSessions: 1 });
      const { registered } = await artefactOf(training);
      const manifest = await platform.resources.objects.getSealed(`${registered.artefactKey}.manifest`);
      expect(JSON.parse(Buffer.from(manifest).toString())).toMatchObject({
        shards: [{ kind: 'simulated' }, { index: 1, kind: 'real', sessions: 1 }],
      });
      await service().execute('delete from outcomes');
    },
    patienceMs,
  );

  test(
    'is started and followed on the terminal, which ends with its figures beside chance and the decision (M4)',
    async () => {
      const command = (action: string) =>
        promisify(execFile)(
          process.execPath,
          ['cli/train.ts', JSON.stringify({ model: 'dowsing', sessions: 2_000, publish: false, action })],
          { env: { ...process.env, ...apart } },
        ).catch((error: unknown) => error as { stdout: string; stderr: string; code: number });
      const { stdout } = await command('start');
      // Which stages it is seen in depends on how fast it goes.
      expect(stdout).toMatch(/^(simulate|train|calibrate|evaluate|register|promote) +\d\.\d\d /m);
      expect(stdout).toMatch(/\| slope +\| \d+\.\d{3} \| 0\.000 +\| no slope/);
      expect(stdout).toMatch(/(is active now|is registered and not active)\. Its "slope" of/);
      expect((await command('last')).stdout).toContain(stdout.trimEnd().split('\n').at(-1));
      expect(await command('cancel')).toMatchObject({ code: 1, stderr: 'No training of dowsing is under way.\n' });
    },
    2 * patienceMs,
  );

  test(
    'keeps what it learned from, its losses and its figures out of the workflow history (I5)',
    async () => {
      const input = await start({ sessions: 400 });
      const connection = await connectTemporal(readConfig());
      const { workflow } = new Client({ connection, namespace: apart.TEMPORAL_NAMESPACE });
      const handle = workflow.getHandle(`training-${input.trainingId}`);
      await handle.result();
      const history = await handle.fetchHistory();
      await connection.close();
      const otherRequest = { ...input, fingerprint: 'e'.repeat(64) };
      expect(await platform.workflows.startTraining(otherRequest)).toEqual({ kind: 'ended' });
      const texts = (history.events ?? []).flatMap(
        ({ activityTaskScheduledEventAttributes: scheduled, activityTaskCompletedEventAttributes: completed }) =>
          payloadsIn([scheduled?.input, completed?.result]).map((payload) =>
            Buffer.from(openPayload(payload, readConfig().TEMPORAL_PAYLOAD_KEYS).payload.data ?? []).toString(),
          ),
      );
      const keys = texts.filter((text) => text !== '').flatMap((text) => Object.keys(JSON.parse(text) as object));
      expect(new Set(keys)).toEqual(
        new Set([
          'trainingId',
          'model',
          'sessions',
          'seed',
          'startedBy',
          'fingerprint',
          'kind',
          'epochs',
          'epoch',
          'state',
          'failure',
        ]),
      );
    },
    patienceMs,
  );
});

test(
  'a training whose worker is killed in the middle of an epoch goes on from its checkpoint and ends the same (M4, T1)',
  async () => {
    const own = await standApart();
    const config = { ...readConfig(), LOG_LEVEL: 'silent' as const, ...own };
    const resources = openResources(config, 'test');
    const connection = await connectTemporal(config);
    const namespace = config.TEMPORAL_NAMESPACE;
    const workflows = createWorkflowClient({ connection, namespace, waitMs: patientWaitMs });
    const at = { resources, workflows };
    const cpu = await startProcess('workers/cpu.ts', own);
    const doomed = await startProcess('tests/toyGpuWorker.ts', own);

    const { trainingId } = await start({ sessions: 60_000, seed: 6 }, at);
    const killedAt = await untilReached(trainingId, inMidEpoch(6), at);
    await doomed.kill();
    const next = await startProcess('tests/toyGpuWorker.ts', own);
    const epochs: number[] = [];
    const training = await untilReached(trainingId, hasEnded, at, ({ epoch }) => epochs.push(epoch));

    expect(training).toMatchObject({ state: 'completed', decision: 'promoted' });
    expect(Math.min(...epochs)).toBeGreaterThanOrEqual(killedAt.epoch);
    const { figures } = await inMemory({ sessions: 60_000, seed: 6 });
    expect(training.figures?.map(({ value }) => value)).toEqual(figures.map(({ value }) => value));

    await Promise.all([cpu.stop(), next.stop()]);
    await connection.close();
    await resources.close();
  },
  3 * patienceMs,
);
