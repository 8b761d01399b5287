import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { partBytes, partsOf, type AttachmentIds } from '../domain/attachments.ts';
import { createObjectStore, ObjectMissingError } from './objectStore.ts';
import { createUploads, type NamedFile, type UploadRequest } from './uploads.ts';

const { S3_ENDPOINT, S3_REGION = '', S3_ACCESS_KEY_ID = '', S3_SECRET_ACCESS_KEY = '' } = process.env;
const storage = {
  endpoint: S3_ENDPOINT,
  region: S3_REGION,
  accessKeyId: S3_ACCESS_KEY_ID,
  secretAccessKey: S3_SECRET_ACCESS_KEY,
  bucket: `uploads-${randomUUID()}`,
};
const objects = createObjectStore({ ...storage, masterKeys: [{ id: 'test-1', key: randomBytes(32) }] });
const uploads = createUploads({ ...storage, objects });

beforeAll(() => objects.ensureBucket());
afterAll(() => {
  objects.close();
  uploads.close();
});

const newIds = () => ({ sessionId: randomUUID(), attachmentId: randomUUID() });
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const bytes = randomBytes(1_000);

function named(given: Partial<NamedFile> = {}): NamedFile {
  return { fileName: 'tower.png', mediaType: 'image/png', sizeBytes: bytes.length, sha256: sha256Of(bytes), ...given };
}

/** Sends a request over a plain connection, where no client library mends or refuses it, and says its status. */
async function send(
  { url, headers }: Pick<UploadRequest, 'url' | 'headers'>,
  body: Uint8Array,
  method = 'PUT',
): Promise<number | undefined> {
  const sending = httpRequest(url, { method, headers: { ...headers, 'Content-Length': body.length } });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.end(body);
  const [response] = await answered;
  response.resume();
  return response.statusCode;
}

/** The address as it is when its time is over, signed by the same code at an earlier time. */
async function expired(sign: () => Promise<{ url: string }>): Promise<string> {
  const RealDate = globalThis.Date;
  const earlierMs = RealDate.now() - 3_600_000;
  globalThis.Date = class extends RealDate {
    constructor(...given: [] | [number]) {
      if (given.length === 0) super(earlierMs);
      else super(...given);
    }
  } as DateConstructor;
  try {
    return (await sign()).url;
  } finally {
    globalThis.Date = RealDate;
  }
}

describe('An address to send a file to (D3)', () => {
  test('takes the very bytes that were named, also twice', async () => {
    const ids = newIds();
    const request = await uploads.requestForWhole(ids, named());
    expect(await uploads.hasWhole(ids)).toBe(false);
    expect(await send(request, bytes)).toBe(200);
    expect(await send(request, bytes)).toBe(200);
    expect(await uploads.hasWhole(ids)).toBe(true);
    expect((await buffer(await uploads.readUpload(ids))).equals(bytes)).toBe(true);
  });

  test.each<[string, (request: UploadRequest) => Promise<number | undefined>]>([
    ['longer body', (request) => send(request, Buffer.concat([bytes, bytes]))],
    ['shorter body', (request) => send(request, bytes.subarray(1))],
    ['body of the same length and other bytes', (request) => send(request, randomBytes(bytes.length))],
    [
      'other checksum',
      (request) => {
        const other = randomBytes(bytes.length);
        const checksum = createHash('sha256').update(other).digest('base64');
        return send({ ...request, headers: { ...request.headers, 'x-amz-checksum-sha256': checksum } }, other);
      },
    ],
    ['missing checksum', (request) => send({ ...request, headers: { 'Content-Type': 'image/png' } }, bytes)],
    [
      'other content type',
      (request) => send({ ...request, headers: { ...request.headers, 'Content-Type': 'text/html' } }, bytes),
    ],
    ['other key', (request) => send({ ...request, url: request.url.replace('/upload?', '/file?') }, bytes)],
    [
      'path out of its folder',
      (request) => send({ ...request, url: request.url.replace('/upload?', '/../x?') }, bytes),
    ],
    ['longer life', (request) => send({ ...request, url: request.url.replace(/Expires=\d+/, 'Expires=86400') }, bytes)],
    ['DELETE', (request) => send(request, Buffer.alloc(0), 'DELETE')],
    ['GET', (request) => send(request, Buffer.alloc(0), 'GET')],
    ['POST', (request) => send(request, bytes, 'POST')],
  ])('refuses a %s', async (_what, attempt) => {
    const ids = newIds();
    expect([400, 403, 404, 405]).toContain(await attempt(await uploads.requestForWhole(ids, named())));
    expect(await uploads.hasWhole(ids)).toBe(false);
  });

  test('is refused when its time is over', async () => {
    const ids = newIds();
    const { headers } = await uploads.requestForWhole(ids, named());
    const url = await expired(() => uploads.requestForWhole(ids, named()));
    expect(await send({ url, headers }, bytes)).toBe(403);
    expect(await uploads.hasWhole(ids)).toBe(false);
  });

  test('says nothing that a person wrote (I5)', async () => {
    const ids = newIds();
    const { url } = await uploads.requestForWhole(ids, named({ fileName: 'MARKER.png' }));
    await uploads.keepBytes(ids, named({ fileName: 'MARKER.png' }), bytes);
    const download = await uploads.downloadOf(ids, 'file');
    expect(url + download.url).not.toContain('MARKER');
  });
});

describe('An upload in parts (D3)', () => {
  const large = randomBytes(partBytes + 1_000);
  const file = named({ mediaType: 'audio/wav', sizeBytes: large.length, sha256: sha256Of(large) });
  const [first, second] = partsOf(large.length);
  if (first === undefined || second === undefined) throw new Error('The file has two parts');

  test('arrives in any order, says what has arrived, and is one file in the end', async () => {
    const ids = newIds();
    const uploadId = await uploads.beginParts(ids, file.mediaType);
    const small = await uploads.requestForPart(ids, uploadId, second);
    expect(await send(small, large.subarray(partBytes))).toBe(200);
    expect(await uploads.receivedParts(ids, uploadId)).toEqual([2]);
    expect(await send(await uploads.requestForPart(ids, uploadId, first), large.subarray(0, partBytes))).toBe(200);
    expect(await uploads.receivedParts(ids, uploadId)).toEqual([1, 2]);

    await uploads.joinParts(ids, uploadId);
    await uploads.joinParts(ids, uploadId);
    expect(sha256Of(await buffer(await uploads.readUpload(ids)))).toBe(file.sha256);
    expect(await uploads.receivedParts(ids, uploadId)).toBeNull();
    expect(await send(small, large.subarray(partBytes))).toBe(404);
  });

  test('refuses a part of another length, of another number, or too late', async () => {
    const ids = newIds();
    const uploadId = await uploads.beginParts(ids, file.mediaType);
    const request = await uploads.requestForPart(ids, uploadId, second);
    expect(await send(request, randomBytes(1_001))).toBe(403);
    const renumbered = { ...request, url: request.url.replace('partNumber=2', 'partNumber=1') };
    expect(await send(renumbered, randomBytes(1_000))).toBe(403);
    const url = await expired(() => uploads.requestForPart(ids, uploadId, second));
    expect(await send({ ...request, url }, randomBytes(1_000))).toBe(403);
    expect(await uploads.receivedParts(ids, uploadId)).toEqual([]);
  });

  test('that is removed, alone or with its session, takes nothing more', async () => {
    for (const end of [
      (ids: AttachmentIds) => uploads.removeUpload(ids),
      (ids: AttachmentIds) => uploads.remove(ids),
      ({ sessionId }: AttachmentIds) => uploads.abandonUploads(sessionId),
    ]) {
      const ids = newIds();
      const uploadId = await uploads.beginParts(ids, file.mediaType);
      const request = await uploads.requestForPart(ids, uploadId, second);
      await send(request, large.subarray(partBytes));
      await end(ids);
      await end(ids);
      expect(await uploads.receivedParts(ids, uploadId)).toBeNull();
      expect(await send(request, large.subarray(partBytes))).toBe(404);
    }
  });
});

describe('A file that is kept (D3)', () => {
  test('is fetched under its name as a file to save, for reading alone, while its time lasts', async () => {
    const ids = newIds();
    await send(await uploads.requestForWhole(ids, named()), bytes);
    await uploads.keepUpload(ids, named({ fileName: 'Türme "2".png' }));
    const { url } = await uploads.downloadOf(ids, 'file');
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    expect(answer.headers.get('content-type')).toBe('image/png');
    const disposition = answer.headers.get('content-disposition');
    expect(disposition).toMatch(/^attachment; /);
    expect(disposition).toContain("filename*=UTF-8''T%C3%BCrme%20%222%22.png");

    expect((await fetch(`${url}&response-content-type=text/html`)).status).toBe(403);
    expect(await send({ url, headers: {} }, bytes)).toBe(403);
    expect(await send({ url, headers: {} }, Buffer.alloc(0), 'DELETE')).toBe(403);
    expect((await fetch(await expired(() => uploads.downloadOf(ids, 'file')))).status).toBe(403);
  });

  test('stays when what was sent is removed, and goes with the attachment', async () => {
    const ids = newIds();
    await send(await uploads.requestForWhole(ids, named()), bytes);
    await uploads.keepUpload(ids, named());
    await uploads.removeUpload(ids);
    await expect(uploads.readUpload(ids)).rejects.toThrow(ObjectMissingError);
    expect((await buffer(await uploads.readFile(ids))).equals(bytes)).toBe(true);
    await uploads.remove(ids);
    await expect(uploads.readFile(ids)).rejects.toThrow(ObjectMissingError);
  });

  test('is encrypted by the storage where that is set, and a client that leaves it out is refused (I5)', async () => {
    const encrypting = createUploads({ ...storage, objects, serverSideEncryption: 'AES256' });
    const ids = newIds();
    const request = await encrypting.requestForWhole(ids, named());
    const { 'x-amz-server-side-encryption': encryption, ...others } = request.headers;
    expect(encryption).toBe('AES256');
    expect(await send({ ...request, headers: others }, bytes)).toBe(403);
    expect(await send(request, bytes)).toBe(200);
    await encrypting.keepUpload(ids, named());
    encrypting.close();
  });

  test('is fetched where clients reach the storage, when that is another address', async () => {
    const elsewhere = createUploads({ ...storage, objects, publicEndpoint: 'https://files.example.com' });
    const ids = newIds();
    const [download, request] = [
      await elsewhere.downloadOf(ids, 'file'),
      await elsewhere.requestForWhole(ids, named()),
    ];
    elsewhere.close();
    for (const { url } of [download, request]) expect(new URL(url).origin).toBe('https://files.example.com');
  });
});

describe('Web pages', () => {
  test('of the allowed origins may send and fetch files, and no others', async () => {
    const origin = 'https://app.example.com';
    await uploads.allowOrigins([origin]);
    const { url, headers } = await uploads.requestForWhole(newIds(), named());
    const asks = (from: string) =>
      fetch(url, {
        method: 'OPTIONS',
        headers: {
          Origin: from,
          'Access-Control-Request-Method': 'PUT',
          'Access-Control-Request-Headers': Object.keys(headers).join(',').toLowerCase(),
        },
      });
    const allowed = await asks(origin);
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect((await asks('https://elsewhere.example.com')).status).toBe(403);
    await uploads.allowOrigins([]);
    expect((await asks(origin)).headers.get('access-control-allow-origin')).toBeNull();
  });
});
