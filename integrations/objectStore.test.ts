import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createObjectStore, ObjectCorruptError, ObjectMissingError, type ObjectStoreOptions } from './objectStore.ts';

const { S3_ENDPOINT, S3_REGION = '', S3_ACCESS_KEY_ID = '', S3_SECRET_ACCESS_KEY = '' } = process.env;
const bucket = `objects-${randomUUID()}`;
const masterKeys = [{ id: 'test-1', key: randomBytes(32) }];
const options: ObjectStoreOptions = {
  endpoint: S3_ENDPOINT,
  region: S3_REGION,
  accessKeyId: S3_ACCESS_KEY_ID,
  secretAccessKey: S3_SECRET_ACCESS_KEY,
  bucket,
  masterKeys,
};
const store = createObjectStore(options);
/** Looks at the storage from the outside, as its operator could. */
const outside = new S3Client({
  ...(S3_ENDPOINT === undefined ? {} : { endpoint: S3_ENDPOINT, forcePathStyle: true }),
  region: S3_REGION,
  credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY },
});
const content = Buffer.from(JSON.stringify({ cue: '4711-0815', words: ['tower', 'water'] }));

beforeAll(() => store.ensureBucket());
afterAll(() => {
  store.close();
  outside.destroy();
});

async function countVersions(prefix: string): Promise<number> {
  const page = await outside.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
  return (page.Versions?.length ?? 0) + (page.DeleteMarkers?.length ?? 0);
}

describe('Object storage', () => {
  test('is reachable, and its bucket may be asked for twice (D3)', async () => {
    await store.ensureBucket();
    await store.check();
  });

  test('gives back what was put, and the second version after a second put (D3)', async () => {
    await store.putSealed('sessions/a/content', content);
    expect(Buffer.from(await store.getSealed('sessions/a/content')).equals(content)).toBe(true);
    const large = randomBytes(3_000_000);
    await store.putSealed('sessions/a/content', large);
    expect(Buffer.from(await store.getSealed('sessions/a/content')).equals(large)).toBe(true);
  });

  test('never sees the content (I5)', async () => {
    await store.putSealed('sessions/b/content', content);
    const raw = await outside.send(new GetObjectCommand({ Bucket: bucket, Key: 'sessions/b/content' }));
    const bytes = Buffer.from((await raw.Body?.transformToByteArray()) ?? []);
    expect(bytes.byteLength).toBeGreaterThan(0);
    expect(bytes.includes('tower')).toBe(false);
    expect(bytes.includes('test-1')).toBe(true);
  });

  test('cannot hand out one object in the place of another (I5)', async () => {
    await store.putSealed('sessions/c/content', content);
    await outside.send(
      new CopyObjectCommand({ Bucket: bucket, Key: 'sessions/d/content', CopySource: `${bucket}/sessions/c/content` }),
    );
    await expect(store.getSealed('sessions/d/content')).rejects.toThrow(ObjectCorruptError);
  });

  test('says that an object is missing, and deleting it again is no error', async () => {
    await store.putSealed('sessions/e/content', content);
    await store.delete('sessions/e/content');
    await store.delete('sessions/e/content');
    await expect(store.getSealed('sessions/e/content')).rejects.toThrow(ObjectMissingError);
  });

  test('removes everything under a prefix and nothing beside it (A1)', async () => {
    const keys = ['sessions/f/content/1', 'sessions/f/content/2', 'sessions/f/notes'];
    for (const key of [...keys, 'sessions/ff/content']) await store.putSealed(key, content);
    expect(await store.deletePrefix('sessions/f/')).toBe(3);
    expect(await store.deletePrefix('sessions/f/')).toBe(0);
    for (const key of keys) await expect(store.getSealed(key)).rejects.toThrow(ObjectMissingError);
    expect(Buffer.from(await store.getSealed('sessions/ff/content')).equals(content)).toBe(true);
  });

  test('refuses to remove everything', async () => {
    await expect(store.deletePrefix('')).rejects.toThrow('needs a prefix');
  });

  test('removes every version where the bucket keeps versions (A1, D3)', async () => {
    const versioning = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' as const } };
    const kept = await outside.send(new PutBucketVersioningCommand(versioning)).then(
      () => true,
      () => false,
    );
    for (let version = 0; version < 3; version += 1) await store.putSealed('sessions/g/content', content);
    await store.delete('sessions/g/content');
    expect(await countVersions('sessions/g/')).toBe(kept ? 4 : 0);
    await store.deletePrefix('sessions/g/');
    expect(await countVersions('sessions/g/')).toBe(0);
  });

  test('that is not there, or refuses our key, fails the check', async () => {
    const elsewhere = createObjectStore({ ...options, bucket: `missing-${randomUUID()}` });
    const stranger = createObjectStore({ ...options, secretAccessKey: 'wrong' });
    await expect(elsewhere.check()).rejects.toThrow();
    await expect(elsewhere.getSealed('a')).rejects.not.toThrow(ObjectMissingError);
    await expect(stranger.ensureBucket()).rejects.toThrow();
    elsewhere.close();
    stranger.close();
  });
});

describe('A storage that answers otherwise', () => {
  const versionless = createServer((request, response) => {
    response.setHeader('content-type', 'application/xml');
    if (request.url?.includes('versions') === true) {
      response.statusCode = 501;
      response.end('<Error><Code>NotImplemented</Code><Message>no versions here</Message></Error>');
    } else if (request.method === 'GET') {
      response.end('<ListBucketResult><Contents><Key>a/1</Key></Contents></ListBucketResult>');
    } else {
      response.end('<DeleteResult><Error><Key>a/1</Key><Code>AccessDenied</Code></Error></DeleteResult>');
    }
  });
  beforeAll(() => new Promise<void>((resolve) => void versionless.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    versionless.closeAllConnections();
    versionless.close();
  });

  test('without versions is listed plainly, and what it refuses to delete is told', async () => {
    const { port } = versionless.address() as AddressInfo;
    const other = createObjectStore({ ...options, endpoint: `http://127.0.0.1:${port}` });
    await expect(other.deletePrefix('a/')).rejects.toThrow('1 objects could not be deleted: AccessDenied');
    other.close();
  });
});
