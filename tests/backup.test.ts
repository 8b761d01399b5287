import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig, type Config } from '../config.ts';
import { listBackups, listRehearsals } from '../db/backups.ts';
import { onServer } from '../db/databases.ts';
import { keptBackups } from '../domain/backups.ts';
import { dayMs } from '../domain/time.ts';
import { openBucket, type Bucket } from '../integrations/backupBucket.ts';
import type { BackupEntry, BackupManifest } from '../integrations/backupStore.ts';
import { openResources } from '../resources.ts';
import { startTestApi } from './api.ts';
import { addFile, ops, runScheduled, standApartWhole, stringsOf } from './backups.ts';
import { exampleOf } from './examples.ts';
import { startPlatform, type Platform } from './platform.ts';
import { startProcess } from './processes.ts';
import { until } from './until.ts';

let apart: Partial<Config>;
let platform: Platform;
let stored: Bucket;

beforeAll(async () => {
  apart = await standApartWhole();
  platform = await startPlatform(apart);
  stored = openBucket(`${apart.S3_BUCKET ?? ''}-backup`, platform.resources.backedUp.storage);
}, 600_000);
afterAll(async () => {
  stored.close();
  await platform.close();
});

const service = () => platform.resources.database.asService();
const backUp = () => runScheduled('backup', apart);
const newestRow = async () => (await listBackups(service(), 1))[0];

async function newest(): Promise<{ manifest: BackupManifest; entries: BackupEntry[] }> {
  const { backups } = platform.resources;
  const [name] = await backups.list();
  if (name === undefined) throw new Error('There is no backup');
  const manifest = await backups.manifest(name);
  const entries: BackupEntry[] = [];
  for await (const list of backups.entries(name.id, 'objects', manifest.objects.lists)) entries.push(...list);
  return { manifest, entries };
}

async function keysIn(bucket: Bucket, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of bucket.pages(prefix)) keys.push(...page.map(({ key }) => key));
  return keys;
}

describe('a backup (D4)', () => {
  test('holds every row and every object but what is made again, and is told of', async () => {
    const session = await platform.startSession(await exampleOf('dowsing'));
    await platform.untilEvent(session.sessionId, 'completed');
    await addFile(platform.resources, session, 9 * 1024 ** 2);
    await platform.resources.objects.putSealed('trainings/none/shard', Buffer.from('made again'));
    await backUp();

    const { manifest, entries } = await newest();
    expect(manifest.database.rows).toMatchObject({ sessions: 1, analysis_results: 1, attachments: 1, models: 4 });
    const all = await keysIn(platform.resources.bucket, '');
    expect(entries.map(({ key }) => key)).toEqual(all.filter((key) => !key.startsWith('trainings/')));
    expect(await newestRow()).toMatchObject({
      id: manifest.id,
      state: 'good',
      stage: 'done',
      objects: entries.length,
      newObjects: entries.length,
      databaseBytes: manifest.database.bytes,
    });
  }, 600_000);

  test('is told of by the metrics of the gateway (I2)', async () => {
    const api = await startTestApi({ changes: apart });
    const { text } = await api.call('GET', '/metrics');
    const valueOf = (metric: string) => new RegExp(`^${metric.replace(/[{}]/g, '.')}.*? (\\S+)$`, 'm').exec(text)?.[1];
    expect(Number(valueOf('backup_age_seconds'))).toBeGreaterThan(0);
    expect(Number(valueOf('backup_last_success_timestamp_seconds'))).toBe(
      ((await platform.resources.backups.list())[0]?.takenAt.getTime() ?? NaN) / 1_000,
    );
    expect(valueOf('backup_failures')).toBe('0');
    expect(valueOf('backup_running')).toBe('0');
    expect(valueOf('backup_rehearsal_age_seconds')).toBe('+Inf');
    expect(text).toMatch(/^backup_bytes\{part="database",service="api-test"\} [1-9]/m);
    await api.close();
  }, 600_000);

  test('stores only what is new, and identical bytes once, however they are called', async () => {
    const { entries: before } = await newest();
    const objects = await keysIn(stored, 'objects/');
    const [some] = before;
    await platform.resources.bucket.put('models/again', (await platform.resources.bucket.get(some?.key ?? '')).body);
    const { sessionId } = await platform.startSession(await exampleOf('precognition'));
    await platform.untilEvent(sessionId, 'completed');
    await backUp();

    const { entries } = await newest();
    expect(entries).toHaveLength(before.length + 2);
    expect(await keysIn(stored, 'objects/')).toHaveLength(objects.length + 1);
    expect(await newestRow()).toMatchObject({ state: 'good', newObjects: 1 });
  }, 600_000);

  test('says nothing of what it holds: no key, no name and no bytes of ours lie in the backup storage (I5)', async () => {
    const { entries } = await newest();
    const names = (await keysIn(stored, '')).join('\n');
    for (const { key, sha256 } of entries) {
      expect(names).not.toContain(key);
      expect(names).not.toContain(sha256);
    }
    const { body } = await stored.get(`backups/${(await newest()).manifest.id}/database`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    expect(bytes.includes('PGDMP')).toBe(false);
    expect(bytes.includes('analysis_results')).toBe(false);
  });
});

test('backups whose time is over are removed with every object that no other needs, and nothing else is (D4)', async () => {
  const { backups, objects } = platform.resources;
  const [first] = await backups.list();
  if (first === undefined) throw new Error('There is no backup');
  const { manifest, entries } = await newest();
  // The same objects as a backup of each of the last hundred days would hold them, and one of them held more.
  const id = (day: number) => `00000000-0000-4000-8000-${String(day).padStart(12, '0')}`;
  for (let day = 1; day <= 100; day += 1) {
    const takenAt = new Date(first.takenAt.getTime() - day * dayMs).toISOString();
    const place = backups.placeOf(String(day).padStart(64, '0'));
    await backups.putObject(place, [Buffer.from(`gone since day ${day}`)]);
    await backups.putEntries(id(day), 'objects', 0, [
      ...entries,
      { key: 'sessions/gone', etag: '', bytes: 1, sha256: '0'.repeat(64), place, headers: {} },
    ]);
    await backups.putManifest({ ...manifest, id: id(day), takenAt, objects: { lists: 1, count: 1, bytes: 1 } });
  }
  await objects.putSealed('models/another', Buffer.from('new'));
  await backUp();

  const left = await backups.list();
  const kept = keptBackups(left);
  expect(left.every((backup) => kept.has(backup.id))).toBe(true);
  expect(left.length).toBeLessThan(25);
  const oldOnes = left.filter((backup) => backup.id.startsWith('00000000'));
  for (const { id: name } of oldOnes) {
    const day = Number(name.slice(-12));
    expect(await backups.has(backups.placeOf(String(day).padStart(64, '0')))).toBe(true);
  }
  // Each kept one names its own object; beside those are the real ones, and nothing else is stored.
  const real = new Set((await newest()).entries.map(({ place }) => place));
  expect(await keysIn(stored, 'objects/')).toHaveLength(real.size + oldOnes.length);
  const folders = new Set((await keysIn(stored, 'backups/')).map((key) => key.split('/')[1]));
  expect([...folders].sort()).toEqual(left.map((backup) => backup.id).sort());
  for (const backup of oldOnes) await backups.remove(backup);
}, 600_000);

test('a backup whose worker is killed in its middle counts as none until another worker has finished it (T1, D4)', async () => {
  const own = await standApartWhole();
  const { backedUp } = platform.resources;
  const bucket = openBucket(own.S3_BUCKET, backedUp.storage);
  // So much that the backup is far from its end when the worker dies.
  await bucket.put('sessions/large', Array<Buffer>(160).fill(randomBytes(1024 ** 2)));
  const resources = openResources({ ...readConfig(), ...own, LOG_LEVEL: 'silent' }, 'test');
  const environment = stringsOf(own);
  const worker = await startProcess('workers/cpu.ts', environment);
  const done = runScheduled('backup', own);
  done.catch(() => undefined);
  await until(async () => (await listBackups(resources.database.asService(), 1)).length > 0);
  await worker.kill();
  expect(await resources.backups.list()).toEqual([]);

  const next = await startProcess('workers/cpu.ts', environment);
  await done;
  const [name] = await resources.backups.list();
  expect(name).toBeDefined();
  const [newest, ...before] = await listBackups(resources.database.asService(), 5);
  expect(newest).toMatchObject({ id: name?.id, state: 'good' });
  // Where the worker died before it could say that it had begun, the other one has begun another.
  expect(before.every(({ state }) => state === 'failed')).toBe(true);
  await next.stop();
  await resources.close();
  bucket.close();
}, 600_000);

describe('a rehearsal (D4)', () => {
  const rehearse = async () => {
    await runScheduled('rehearsal', apart);
    return (await listRehearsals(service(), 1))[0];
  };

  test('restores the newest backup elsewhere, reads sessions back whole, and leaves nothing', async () => {
    const { manifest, entries } = await newest();
    const rows = Object.values(manifest.database.rows).reduce((sum, count) => sum + count, 0);
    expect(await rehearse()).toMatchObject({
      ...{ backupId: manifest.id, state: 'passed', failure: null },
      ...{ objects: entries.length, tableRows: rows, sessions: 2 },
    });
    const { databaseUrl, bucket, storage } = platform.resources.backedUp;
    const scratch = openBucket(`${bucket}-rehearsal`, storage);
    await expect(keysIn(scratch, '')).rejects.toMatchObject({ name: 'NoSuchBucket' });
    scratch.close();
    expect(await onServer(databaseUrl, (server) => server.exists(`${bucket}_rehearsal`))).toBe(false);
  }, 600_000);

  test('finds an object that was tampered with, and the next backup stores everything anew', async () => {
    const { entries } = await newest();
    const victim = entries.find(({ key }) => key.includes('/content/'));
    if (victim === undefined) throw new Error('There is no content in the backup');
    const { body } = await stored.get(victim.place);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await stored.put(victim.place, [bytes]);

    const found = await rehearse();
    expect(found).toMatchObject({ state: 'damaged' });
    expect(found?.failure).toContain(victim.key);
    await backUp();
    expect(await rehearse()).toMatchObject({ state: 'passed' });
  }, 600_000);

  test('is pressed by a command, as a backup is; its exit code is 0 only when what it says was done', async () => {
    const made = await ops(['backup', '--now'], apart);
    expect(made.code).toBe(0);
    const listed = made.json.backups as { id: string; objects: number }[];
    expect(listed[0]).toMatchObject({ id: (await newest()).manifest.id, objects: (await newest()).entries.length });
    expect((await ops(['backup', '--rehearse'], apart)).code).toBe(0);

    const victim = (await newest()).entries.find(({ key }) => key.startsWith('models/'));
    await stored.delete([victim?.place ?? '']);
    const damaged = await ops(['backup', '--rehearse'], apart);
    expect(damaged.code).toBe(1);
    expect(damaged.json.error).toContain('is missing in the backup storage');
    await backUp();
  }, 600_000);

  test('finds an object that is missing, and a dump that was cut off', async () => {
    const { manifest, entries } = await newest();
    const victim = entries.find(({ key }) => key.startsWith('models/'));
    await stored.delete([victim?.place ?? '']);
    expect((await rehearse())?.failure).toContain('is missing in the backup storage');
    await backUp();

    const key = `backups/${(await newest()).manifest.id}/database`;
    const { body, bytes } = await stored.get(key);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
    await stored.put(key, [Buffer.concat(chunks).subarray(0, bytes - 100)]);
    expect((await rehearse())?.failure).toContain('The dump of the database does not open');
    expect((await newest()).manifest.id).not.toBe(manifest.id);
  }, 600_000);
});
