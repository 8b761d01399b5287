import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type Connection } from '@temporalio/client';
import { readConfig, type Config } from '../config.ts';
import { Attachment } from '../db/attachments.ts';
import { AuditEntry } from '../db/auditEntries.ts';
import { readBillState } from '../db/bills.ts';
import { databaseName, onServer } from '../db/databases.ts';
import { Training } from '../db/entities.ts';
import { eventsAfter, findResults, findSession, findState } from '../db/sessions.ts';
import { User } from '../db/users.ts';
import type { SessionWorkflowInput } from '../domain/session.ts';
import { tierTerms } from '../domain/tiers.ts';
import { openBucket, type Bucket } from '../integrations/backupBucket.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { createRecovery } from '../temporal/recovery.ts';
import { startTestApi } from './api.ts';
import { addFile, ops, runScheduled, standApartWhole, stringsOf } from './backups.ts';
import { exampleOf } from './examples.ts';
import { expectNoGap } from './numbering.ts';
import { startPlatform, type Platform } from './platform.ts';
import { listenAsStripe, stripeAnswers, type StripeAnswer } from './stripeListener.ts';
import { until } from './until.ts';

let apart: Partial<Config>;
let platform: Platform;
let stripe: Awaited<ReturnType<typeof listenAsStripe>>;
let stored: Bucket;
let connection: Connection;
let refusedSession: string | undefined;

/** Stripe takes everything, but for the usage of one session. */
function answerOfStripe(path: string): StripeAnswer {
  if (path === '/v1/customers') return stripeAnswers.customer;
  return stripe.calls.at(-1)?.body.get('identifier') === `session-${refusedSession ?? ''}`
    ? stripeAnswers.refused
    : stripeAnswers.taken;
}

beforeAll(async () => {
  stripe = await listenAsStripe(answerOfStripe);
  apart = await standApartWhole();
  platform = await startPlatform({ ...apart, STRIPE_API_BASE: stripe.url });
  stored = openBucket(`${apart.S3_BUCKET ?? ''}-backup`, platform.resources.backedUp.storage);
  connection = await connectTemporal(readConfig());
}, 600_000);
afterAll(async () => {
  stored.close();
  await connection.close();
  await platform.close();
  await stripe.close();
});

const service = () => platform.resources.database.asService();
const url = () => platform.resources.backedUp.databaseUrl;
const backUp = () => runScheduled('backup', apart);
const recovery = () => createRecovery({ connection, namespace: apart.TEMPORAL_NAMESPACE ?? '' });
const workflowOf = (sessionId: string) =>
  new Client({ connection, namespace: apart.TEMPORAL_NAMESPACE ?? '' }).workflow.getHandle(`session-${sessionId}`);

/** How often Stripe was told of a session's usage, and by how many identifiers: it counts each once. */
function usageOf(sessionId: string) {
  const told = stripe.usageOf(sessionId);
  return { identifiers: new Set(told.map(({ body }) => body.get('identifier'))).size, times: told.length };
}

async function recording(): Promise<SessionWorkflowInput> {
  return platform.startSession(await exampleOf('dowsing'), { analyzeAtOnce: false });
}

async function completed(): Promise<SessionWorkflowInput> {
  const session = await platform.startSession(await exampleOf('dowsing'));
  await platform.untilEvent(session.sessionId, 'completed');
  return session;
}

async function expectWhole({ sessionId, userId }: SessionWorkflowInput): Promise<void> {
  const row = await findSession(platform.resources.database.asUser(userId), sessionId);
  expect(row).toMatchObject({ status: 'completed', stuck: null });
  const content = await platform.resources.contents.getStored(row?.contentKey ?? '');
  expect(content).toEqual(await exampleOf('dowsing'));
  expect(await findResults(service(), sessionId)).toHaveLength(1);
  expectNoGap(await eventsAfter(service(), sessionId, 0));
  expect(await readBillState(service(), sessionId)).toBe('sent');
}

describe('a restore in place (D4)', () => {
  test('after the database was dropped and objects were lost: all is back, what was open goes on, each is billed once', async () => {
    const ended = await completed();
    const file = await addFile(platform.resources, ended, 5_000_000);
    const waiting = await recording();
    const cancelledLater = await recording();
    const endedLater = await recording();
    const erasedLater = await completed();
    const stuck = await recording();
    refusedSession = stuck.sessionId;
    await platform.workflows.startAnalysis(stuck.sessionId);
    await platform.untilEvent(stuck.sessionId, 'stuck');
    await backUp();

    // What happens after the backup, and is lost with it.
    await platform.workflows.startAnalysis(endedLater.sessionId);
    await platform.untilEvent(endedLater.sessionId, 'completed');
    await platform.workflows.cancelSession(cancelledLater.sessionId);
    await platform.untilEvent(cancelledLater.sessionId, 'cancelled');
    expect(await platform.workflows.eraseSession(erasedLater.sessionId)).toBe('erased');
    const unknown = await recording();
    const unknownEnded = await completed();
    // Temporal's search is a moment behind.
    await until(async () => {
      const open = await recovery().openSessionsBefore(new Date());
      return open.includes(unknown.sessionId) && !open.includes(unknownEnded.sessionId);
    });
    await onServer(url(), (server) => server.drop(databaseName(url())));
    const { bucket } = platform.resources;
    for (const session of [ended, waiting]) await bucket.delete([session.contentKey]);
    await bucket.put(endedLater.contentKey, [Buffer.from('something else')]);
    refusedSession = undefined;

    expect((await ops(['backup'], apart)).json).toMatchObject({ backups: [{ objects: null }], isKnown: false });
    const { code, json } = await ops(['restore', '--at', 'latest', '--yes'], apart);
    expect(code).toBe(0);
    expect(json).toMatchObject({ replaced: null, restarted: 4, cancelled: 1, erasedAgain: 1 });

    expect(await service().findOne(AuditEntry, { action: 'restore' })).toMatchObject({ outcome: 'done' });
    await expectWhole(ended);
    expect(await bucket.has(`sessions/${ended.sessionId}/attachments/${file}/file`)).toBe(true);
    await platform.untilEvent(stuck.sessionId, 'completed');
    await expectWhole(stuck);
    await platform.untilEvent(endedLater.sessionId, 'completed');
    await expectWhole(endedLater);
    await platform.untilEvent(cancelledLater.sessionId, 'cancelled');
    await platform.workflows.startAnalysis(waiting.sessionId);
    await platform.untilEvent(waiting.sessionId, 'completed');
    await expectWhole(waiting);
    for (const { sessionId } of [ended, stuck, endedLater, waiting]) expect(usageOf(sessionId).identifiers).toBe(1);
    expect(usageOf(waiting.sessionId).times).toBe(1);
    expect(usageOf(cancelledLater.sessionId).times).toBe(0);

    await until(async () => (await findState(service(), erasedLater.sessionId))?.deleted === true);
    await until(async () => !(await bucket.has(erasedLater.contentKey)));
    await expect(workflowOf(unknown.sessionId).result()).rejects.toThrow();
    expect(usageOf(unknown.sessionId).times).toBe(0);
    for (const { sessionId, contentKey } of [unknown, unknownEnded]) {
      expect(await findState(service(), sessionId)).toBeNull();
      expect(await bucket.has(contentKey)).toBe(false);
    }
  }, 600_000);

  test('takes up what was under way beside sessions, erases again who asked for it since, and ends every log-in', async () => {
    const api = await startTestApi({ changes: apart });
    const [stays, leaves] = [await api.newUser(), await api.newUser()];
    const { sessionId, userId } = await recording();
    const attachmentId = randomUUID();
    const file = { fileName: 'late.pdf', mediaType: 'application/pdf' as const, sizeBytes: 3, sha256: '0'.repeat(64) };
    const announced = { id: attachmentId, sessionId, userId, ...file, status: 'uploading' as const };
    await service().insert(Attachment, { ...announced, createdAt: new Date() });
    await platform.workflows.startAttachment({ sessionId, attachmentId }, { userId, tier: 'basic' });
    const running = { state: 'running' as const, startedAt: new Date(), updatedAt: new Date() };
    const training = { id: randomUUID(), model: 'dowsing' as const, seed: 1, fingerprint: '0'.repeat(64) };
    await service().insert(Training, { ...training, ...running });
    await backUp();

    // Its file never comes, and somebody's account goes; none of that is in the backup.
    await platform.workflows.abandonAttachment(attachmentId);
    const receipt = await api.call('DELETE', '/v1/me', { token: leaves.token, body: { password: leaves.password } });
    expect(receipt.status).toBe(202);
    await until(async () => (await service().findOne(User, leaves.id)) === null);
    await until(async () => (await recovery().erasedSince(new Date(0))).accounts.includes(leaves.id));
    expect((await ops(['restore', '--at', 'latest', '--yes'], apart)).json).toMatchObject({ erasedAgain: 1 });

    await until(async () => (await service().findOne(User, leaves.id)) === null);
    const { status, priority } = await new Client({ connection, namespace: apart.TEMPORAL_NAMESPACE ?? '' }).workflow
      .getHandle(`attachment-${attachmentId}`)
      .describe();
    expect(status.name).toBe('RUNNING');
    // It has its owner's turns among files, as it had before.
    expect(priority).toMatchObject({ priorityKey: tierTerms.basic.priorityKey, fairnessKey: userId });
    expect(await service().findOne(Training, training.id)).toMatchObject({ state: 'failed' });
    const refreshed = await api.call('POST', '/v1/auth/refresh', { body: { refreshToken: stays.refreshToken } });
    expect(refreshed.status).toBe(401);
    const { email, password } = stays;
    expect((await api.call('POST', '/v1/auth/login', { body: { email, password } })).status).toBe(200);
    // Doing that part again changes nothing.
    expect((await ops(['restore', '--at', 'latest', '--take-up'], apart)).code).toBe(0);
    await platform.workflows.startAnalysis(sessionId);
    await platform.untilEvent(sessionId, 'completed');
    expect(usageOf(sessionId).times).toBe(1);
    await api.close();
  }, 600_000);

  test('of a running platform keeps what was there under another name; a dry run before changes nothing', async () => {
    await backUp();
    const after = await completed();
    const dry = await ops(['restore', '--at', 'latest'], apart);
    expect(dry.code).toBe(0);
    const rows = dry.json.rows as { table: string; now: number; then: number }[];
    const sessions = rows.find(({ table }) => table === 'sessions');
    expect(sessions?.now).toBe((sessions?.then ?? 0) + 1);
    expect(dry.json.objects).toMatchObject({ missing: 0, changed: 0, unknown: 1 });
    await expectWhole(after);

    const { code, json } = await ops(['restore', '--at', new Date().toISOString(), '--yes'], apart);
    expect(code).toBe(0);
    expect(await onServer(url(), (server) => server.exists(String(json.replaced)))).toBe(true);
    expect(await findState(service(), after.sessionId)).toBeNull();
    const again = await ops(['restore', '--at', 'latest'], apart);
    expect(again.json.objects).toMatchObject({ missing: 0, changed: 0, unknown: 0 });
    await completed();
  }, 600_000);

  test('bills nobody twice whose bill may be older than Stripe remembers: it parks, and a person looks (A4)', async () => {
    const session = await recording();
    await backUp();
    await platform.workflows.startAnalysis(session.sessionId);
    await platform.untilEvent(session.sessionId, 'completed');
    const { backups } = platform.resources;
    const [newest] = await backups.list();
    if (newest === undefined) throw new Error('There is no backup');
    const manifest = await backups.manifest(newest);
    // The same backup as if it were two days old.
    await stored.delete([`manifests/${manifest.takenAt}_${manifest.id}`]);
    const takenAt = new Date(Date.now() - 48 * 3_600_000).toISOString();
    await backups.putManifest({ ...manifest, takenAt });

    expect((await ops(['restore', '--at', takenAt, '--yes'], apart)).code).toBe(0);
    await platform.untilEvent(session.sessionId, 'stuck');
    const { stuck } = (await findSession(platform.resources.database.asUser(session.userId), session.sessionId)) ?? {};
    expect(stuck).toMatchObject({ step: 'bill', code: 'billing_uncertain' });
    expect(usageOf(session.sessionId).times).toBe(1);
  }, 600_000);

  test('from a backup that is damaged is refused, and the platform is open as it was', async () => {
    await backUp();
    const [newest] = await platform.resources.backups.list();
    const key = `backups/${newest?.id ?? ''}/database`;
    const { body, bytes } = await stored.get(key);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    await stored.put(key, [whole.subarray(0, bytes - 10)]);
    const { code, json } = await ops(['restore', '--at', 'latest', '--yes'], apart);
    expect(code).toBe(1);
    expect(json.error).toMatch(/The dump of the database does not open.*Nothing was changed/);
    await completed();
    await stored.put(key, [whole]);
    expect((await ops(['restore', '--at', '2020-01-01T00:00:00Z'], apart)).json.error).toMatch(
      /no backup of that time/,
    );
  }, 600_000);

  test('is refused while a backup is made, at whose end the one that is restored could be removed', async () => {
    const namespace = apart.TEMPORAL_NAMESPACE ?? '';
    // Nobody polls this queue, so it stays under way.
    const options = { taskQueue: 'nobody', workflowId: 'backup-under-way', args: [] };
    const backup = await new Client({ connection, namespace }).workflow.start('backupWorkflow', options);
    await until(() => recovery().isBackingUp());
    const { code, json } = await ops(['restore', '--at', 'latest', '--yes'], apart);
    expect(code).toBe(1);
    expect(json.error).toMatch(/A backup is being made/);
    await backup.terminate();
    await until(async () => !(await recovery().isBackingUp()));
    await completed();
  }, 600_000);

  test('that is killed in the middle leaves no half: it is done by doing it again', async () => {
    const session = await completed();
    await backUp();
    const restoring = `${databaseName(url()).slice(0, 40)}_restoring`;
    const isHalf = () => onServer(url(), (server) => server.exists(restoring));
    // One that was through before it could be killed is followed by another.
    do {
      const child = spawn(process.execPath, ['cli/ops/main.ts', 'restore', '--at', 'latest', '--yes'], {
        env: { ...process.env, ...stringsOf(apart) },
        stdio: 'ignore',
      });
      const exit = once(child, 'exit');
      await until(async () => child.exitCode !== null || (await isHalf()));
      child.kill('SIGKILL');
      await exit;
    } while (!(await isHalf()));
    await expect(findState(service(), session.sessionId)).rejects.toThrow(/not currently accepting connections/);

    expect((await ops(['restore', '--at', 'latest', '--yes'], apart)).code).toBe(0);
    await expectWhole(session);
    expect(await isHalf()).toBe(false);
  }, 600_000);

  test('holds back what is written meanwhile: clients are told of maintenance, and steps wait (G3)', async () => {
    const api = await startTestApi({ changes: apart });
    const user = await api.newUser();
    const session = await recording();
    await onServer(url(), (server) => server.shut(databaseName(url())));
    try {
      const refused = await api.call('GET', '/v1/sessions', { token: user.token });
      expect(refused.status).toBe(503);
      expect(refused.body.error).toMatchObject({ code: 'maintenance', retryable: true });
      expect(refused.headers.get('retry-after')).toBe('30');
      await platform.workflows.startAnalysis(session.sessionId);
    } finally {
      await onServer(url(), (server) => server.open(databaseName(url())));
    }
    await platform.untilEvent(session.sessionId, 'completed');
    await expectWhole(session);
    await api.close();
  }, 600_000);
});
