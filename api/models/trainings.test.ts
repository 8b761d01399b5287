import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { updateTraining } from '../../db/trainings.ts';
import { highestSeed } from '../../domain/trainings.ts';
import { standApart } from '../../tests/apart.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { until } from '../../tests/until.ts';
import type { TrainingUpdate } from '../live/trainings.ts';
import type { TrainingView } from './trainingSchemas.ts';

/*
 * No GPU worker runs here, so a training that was started waits for one, until it is cancelled.
 */

let api: TestApi;
let user: TestUser;
let operator: TestUser;
beforeAll(async () => {
  api = await startTestApi({ changes: await standApart(), worker: true });
  [user, operator] = [await api.newUser(), await api.newUser('operator')];
});
afterAll(() => api.close());

const trainings = '/v1/models/trainings';
const post = (body: object, { token = operator.token, key = '' } = {}): Promise<Answer> =>
  api.call('POST', trainings, { token, body, headers: key === '' ? {} : { 'Idempotency-Key': key } });
const read = async (id: string): Promise<TrainingView> =>
  (await api.call('GET', `${trainings}/${id}`, { token: operator.token })).body.data;
const cancel = (id: string, token = operator.token): Promise<Answer> =>
  api.call('POST', `${trainings}/${id}/cancel`, { token });

const untilEnded = (id: string): Promise<TrainingView> =>
  until(
    () => read(id),
    ({ state }) => state !== 'running',
  );

/** What a test that failed left running would keep its second try from starting another. */
afterEach(async () => {
  const { body } = await api.call('GET', `${trainings}?state=running`, { token: operator.token });
  for (const { id } of (body.data as { items: TrainingView[] }).items) {
    await cancel(id);
    await untilEnded(id);
  }
});

async function started(body: object): Promise<TrainingView> {
  const answer = await post(body);
  expect(answer.status).toBe(201);
  return answer.body.data;
}

describe('a training (M4)', () => {
  test('is started, read, listed and cancelled by an operator', async () => {
    const training = await started({ model: 'dowsing', sessions: 1_000, seed: 7 });
    expect(training).toMatchObject({
      model: 'dowsing',
      sessions: 1_000,
      seed: 7,
      state: 'running',
      stage: 'simulate',
      epoch: 0,
      startedBy: operator.id,
      figures: null,
      decision: null,
      failure: null,
    });
    expect(await read(training.id)).toMatchObject({ id: training.id });
    const list = await api.call('GET', `${trainings}?model=dowsing&state=running`, { token: operator.token });
    expect((list.body.data as { items: TrainingView[] }).items.map(({ id }) => id)).toEqual([training.id]);
    const others = await api.call('GET', `${trainings}?model=precognition`, { token: operator.token });
    expect((others.body.data as { items: TrainingView[] }).items).toEqual([]);

    expect((await cancel(training.id)).status).toBe(202);
    expect(await untilEnded(training.id)).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) as unknown });
    expect((await cancel(training.id)).body.error?.code).toBe('training_ended');
  });

  test('is the only one of its model, and the refusal names it', async () => {
    const { id } = await started({ model: 'precognition' });
    const second = await post({ model: 'precognition', seed: 2 });
    expect(second.status).toBe(409);
    expect(second.body.error).toMatchObject({
      code: 'training_running',
      details: [{ path: 'model', message: `is being trained by ${id}` }],
    });
    const other = await started({ model: 'intuitive_analysis' });
    for (const one of [id, other.id]) await cancel(one);
    for (const one of [id, other.id]) await untilEnded(one);
  });

  test('asked for twice with one Idempotency-Key is one training, also once it has ended', async () => {
    const [body, key] = [{ model: 'dowsing', seed: 3 }, randomUUID()];
    const answers = await Promise.all([post(body, { key }), post(body, { key })]);
    const ids = answers.map(({ status, body: { data } }) => [status, (data as TrainingView).id]);
    expect(ids[1]).toEqual(ids[0]);
    const { id } = answers[0].body.data as TrainingView;
    expect((await post({ ...body, seed: 4 }, { key })).body.error?.code).toBe('idempotency_key_reused');
    await cancel(id);
    await untilEnded(id);
    expect((await post(body, { key })).body.data).toMatchObject({ id, state: 'cancelled' });
  });

  test.each([
    [{ model: 'astrology' }, 'model'],
    [{}, 'model'],
    [{ model: 'dowsing', sessions: 99 }, 'sessions'],
    [{ model: 'dowsing', sessions: 1.5 }, 'sessions'],
    [{ model: 'dowsing', sessions: 10_000_001 }, 'sessions'],
    [{ model: 'dowsing', seed: -1 }, 'seed'],
    [{ model: 'dowsing', seed: highestSeed + 1 }, 'seed'],
    [{ model: 'dowsing', epochs: 3 }, 'body'],
  ])('asked for as %j is refused, and the field %s is named', async (body, path) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.details?.map((detail) => detail.path)).toEqual([path]);
  });

  test('of an id that there is not can be neither read nor cancelled', async () => {
    for (const answer of [
      await api.call('GET', `${trainings}/${randomUUID()}`, { token: operator.token }),
      await cancel(randomUUID()),
    ]) {
      expect(answer.status).toBe(404);
    }
  });

  test('is nothing for who is no operator (I5)', async () => {
    const id = randomUUID();
    const calls: [string, string][] = [
      ['POST', trainings],
      ['GET', trainings],
      ['GET', `${trainings}/${id}`],
      ['POST', `${trainings}/${id}/cancel`],
    ];
    for (const [method, path] of calls) {
      const body = path === trainings && method === 'POST' ? { body: { model: 'dowsing' } } : {};
      expect((await api.call(method, path, { token: user.token, ...body })).body.error?.code).toBe('forbidden');
      expect((await api.call(method, path, body)).body.error?.code).toBe('unauthenticated');
    }
  });
});

describe('watching a training (G4, M4)', () => {
  interface Client {
    socket: Socket;
    updates: TrainingUpdate[];
    /** Waits until such an update has come; jest's own limit ends a wait that is in vain. */
    untilTold: (reached: (update: TrainingUpdate) => boolean) => Promise<void>;
  }

  async function connect(token: string): Promise<Client> {
    const socket = io(api.url, { path: '/v1/ws', transports: ['websocket'], auth: { token }, forceNew: true });
    const updates: TrainingUpdate[] = [];
    socket.on('training_update', (update: TrainingUpdate) => updates.push(update));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return {
      socket,
      updates,
      async untilTold(reached) {
        while (!updates.some(reached)) await new Promise((resolve) => socket.once('training_update', resolve));
      },
    };
  }

  test('brings how it stands now, each newer state, and its end', async () => {
    const { id } = await started({ model: 'dowsing' });
    const { socket, updates, untilTold } = await connect(operator.token);
    expect(await socket.emitWithAck('subscribe', { trainingId: id })).toEqual({ ok: true });
    await untilTold(({ data }) => data.state === 'running');
    const changes = { stage: 'train', stageDone: 0.25, epoch: 2, losses: { toy: 0.5 }, secondsLeft: 90 } as const;
    await updateTraining(api.resources.database.asService(), id, changes);
    await untilTold(({ data }) => data.epoch === 2);
    await cancel(id);
    await untilTold(({ data }) => data.state === 'cancelled');
    socket.disconnect();

    expect(new Set(updates.map(({ type, trainingId }) => `${type} ${trainingId}`))).toEqual(
      new Set([`training_update ${id}`]),
    );
    expect(updates.find(({ data }) => data.epoch === 2)?.data).toMatchObject(changes);
    expect(updates.at(-1)?.data.state).toBe('cancelled');
  });

  test('is refused to who is no operator, and of a training that there is not (I5)', async () => {
    const code = async (token: string, request: object) => {
      const { socket } = await connect(token);
      const answer = (await socket.emitWithAck('subscribe', request)) as { error?: { code: string } };
      socket.disconnect();
      return answer.error?.code;
    };
    const trainingId = randomUUID();
    expect(await code(user.token, { trainingId })).toBe('forbidden');
    expect(await code(operator.token, { trainingId })).toBe('not_found');
    expect(await code(operator.token, { trainingId: 'none' })).toBe('validation_failed');
  });

  test('can be given up', async () => {
    const { id } = await started({ model: 'dowsing' });
    const { socket, updates, untilTold } = await connect(operator.token);
    await socket.emitWithAck('subscribe', { trainingId: id });
    await untilTold(() => true);
    expect(await socket.emitWithAck('unsubscribe', { trainingId: id })).toEqual({ ok: true });
    const seen = updates.length;
    await cancel(id);
    await untilEnded(id);
    // Another watcher hears of the end, and this one does not.
    const other = await connect(operator.token);
    await other.socket.emitWithAck('subscribe', { trainingId: id });
    await other.untilTold(() => true);
    expect(updates).toHaveLength(seen);
    for (const one of [socket, other.socket]) one.disconnect();
  });
});
