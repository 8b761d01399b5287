import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { createExportAccountActivities } from '../../activities/account/export.ts';
import { createAttachmentEndActivities } from '../../activities/attachments/end.ts';
import { requestExport } from '../../db/accountExports.ts';
import { Attachment, findAttachment } from '../../db/attachments.ts';
import { eventsAfter } from '../../db/sessions.ts';
import { maxAttachments, partBytes, type AttachmentIds, type MediaType } from '../../domain/attachments.ts';
import { tierTerms } from '../../domain/tiers.ts';
import { createWorkflowClient } from '../../temporal/client.ts';
import { connectTemporal } from '../../temporal/connection.ts';
import { startTestApi, type Answer, type TestApi, type TestUser } from '../../tests/api.ts';
import { asText } from '../../tests/histories.ts';
import { until } from '../../tests/until.ts';
import type { AddedView, AttachmentView, UploadView } from './schemas.ts';

let api: TestApi;
let user: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  api = await startTestApi({ worker: true });
  [user, stranger] = await Promise.all([api.newUser(), api.newUser()]);
});
afterAll(() => api.close());

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = Buffer.from('Cold water, and a tower.\n');
const photograph = await sharp({ create: { width: 800, height: 400, channels: 3, background: 'teal' } })
  .withExif({ IFD0: { Make: 'MARKER-CAMERA' } })
  .jpeg()
  .toBuffer();

const addedOf = (answer: Answer): AddedView => answer.body.data;
const viewOf = (answer: Answer): AttachmentView => answer.body.data;
const uploadOf = (answer: Answer): UploadView => answer.body.data;
const codeOf = (answer: Answer) => answer.body.error?.code;

function named(bytes: Uint8Array, mediaType: MediaType = 'text/plain', fileName = 'notes.txt') {
  return { fileName, mediaType, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
}

async function newSession(owner = user): Promise<string> {
  const body = { sessionType: 'remote_viewing', cue: 'NNNN-4711' };
  const answer = await api.call('POST', '/v1/sessions', { token: owner.token, body });
  expect(answer.status).toBe(201);
  return (answer.body.data as { id: string }).id;
}

const add = (sessionId: string, body: unknown, owner = user) =>
  api.call('POST', `/v1/sessions/${sessionId}/attachments`, { token: owner.token, body });

const at = ({ sessionId, attachmentId }: AttachmentIds, path = '') =>
  `/v1/sessions/${sessionId}/attachments/${attachmentId}${path}`;

const call = (method: string, ids: AttachmentIds, path = '', owner = user) =>
  api.call(method, at(ids, path), { token: owner.token });

/** Sends what is missing of a file, as the answer says. */
async function send({ parts }: UploadView, bytes: Buffer): Promise<void> {
  let from = 0;
  for (const { sizeBytes, request } of parts) {
    const body = new Uint8Array(bytes.subarray(from, from + sizeBytes));
    from += sizeBytes;
    if (request === null) continue;
    const { method, url, headers } = request;
    expect((await fetch(url, { method, headers, body })).status).toBe(200);
  }
}

/** A file that was announced as `said` and sent. */
async function sent(sessionId: string, bytes: Buffer, said = named(bytes), owner = user): Promise<AttachmentIds> {
  const answer = await add(sessionId, said, owner);
  expect(answer.status).toBe(201);
  const { attachment, upload } = addedOf(answer);
  await send(upload, bytes);
  return { sessionId, attachmentId: attachment.id };
}

/** Has it checked, and waits for its end. */
async function ended(ids: AttachmentIds, owner = user): Promise<AttachmentView> {
  const answer = await call('POST', ids, '/complete', owner);
  expect(answer.status).toBe(202);
  return until(
    async () => viewOf(await call('GET', ids, '', owner)),
    ({ endedAt }) => endedAt !== null,
  );
}

/** Waits until what was sent is removed. */
async function untilNothingSent(ids: AttachmentIds): Promise<void> {
  await until(async () => !(await api.resources.uploads.hasWhole(ids)));
}

const fetched = async (url = '') => Buffer.from(await (await fetch(url)).arrayBuffer());

describe('a file that is added (D3)', () => {
  test('is sent, checked, and downloaded as it was; the end is the next event of its session', async () => {
    const sessionId = await newSession();
    const ids = await sent(sessionId, text, named(text, 'text/plain', 'Wasser.txt'));
    const view = await ended(ids);
    expect(view).toMatchObject({
      fileName: 'Wasser.txt',
      status: 'ready',
      rejection: null,
      stored: { sizeBytes: text.length, sha256: sha256Of(text) },
      thumbnail: null,
    });
    const answer = await fetch(view.file?.url ?? '');
    expect(Buffer.from(await answer.arrayBuffer()).equals(text)).toBe(true);
    expect(answer.headers.get('content-type')).toBe('text/plain');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename=Wasser.txt');

    const { body } = await api.call('GET', `/v1/sessions/${sessionId}/events`, { token: user.token });
    expect((body.data as { events: object[] }).events).toMatchObject([
      { seq: 1, type: 'created' },
      { seq: 2, type: 'attachment_ready', data: { status: 'created', step: 'create', attachmentId: ids.attachmentId } },
    ]);
  });

  test('as an image comes back without what it said beside its picture, and with a thumbnail (I5)', async () => {
    const ids = await sent(await newSession(), photograph, named(photograph, 'image/jpeg', 'tower.jpg'));
    const { file, thumbnail, stored } = await ended(ids);
    const picture = await fetched(file?.url);
    expect(picture.includes('MARKER')).toBe(false);
    expect(stored).toEqual({ sizeBytes: picture.length, sha256: sha256Of(picture) });
    expect(await sharp(picture).metadata()).toMatchObject({ format: 'jpeg', width: 800, height: 400 });
    expect(await sharp(await fetched(thumbnail?.url)).metadata()).toMatchObject({ format: 'webp', width: 320 });
    await untilNothingSent(ids);
  });

  test('in parts goes on where it broke off', async () => {
    const large = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1'), randomBytes(2 * partBytes)]);
    const answer = await add(await newSession(), named(large, 'audio/wav', 'voice.wav'));
    const { attachment, upload } = addedOf(answer);
    const ids = { sessionId: attachment.sessionId, attachmentId: attachment.id };
    expect(upload.parts.map(({ number, sizeBytes }) => [number, sizeBytes])).toEqual([
      [1, partBytes],
      [2, partBytes],
      [3, 16],
    ]);
    const [, second] = upload.parts;
    await send(
      { parts: [{ number: 1, sizeBytes: partBytes, received: true, request: null }, ...(second ? [second] : [])] },
      large,
    );

    const early = await call('POST', ids, '/complete');
    expect([early.status, codeOf(early)]).toEqual([409, 'upload_incomplete']);
    expect(early.body.error?.details?.map(({ path }) => path)).toEqual(['parts.1', 'parts.3']);

    const rest = uploadOf(await call('GET', ids, '/upload'));
    expect(rest.parts.map(({ received, request }) => [received, request === null])).toEqual([
      [false, false],
      [true, true],
      [false, false],
    ]);
    await send(rest, large);
    const view = await ended(ids);
    expect(view.status).toBe('ready');
    expect(sha256Of(await fetched(view.file?.url))).toBe(sha256Of(large));
  });

  test('that is not there yet cannot be checked, and one that was is checked once', async () => {
    const { attachment, upload } = addedOf(await add(await newSession(), named(text)));
    const ids = { sessionId: attachment.sessionId, attachmentId: attachment.id };
    expect(codeOf(await call('POST', ids, '/complete'))).toBe('upload_incomplete');
    await send(upload, text);
    await Promise.all([call('POST', ids, '/complete'), call('POST', ids, '/complete')]);
    await ended(ids);
    expect((await call('POST', ids, '/complete')).status).toBe(202);
    expect(codeOf(await call('GET', ids, '/upload'))).toBe('upload_ended');
    const events = await eventsAfter(api.resources.database.asService(), ids.sessionId, 0);
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'created'],
      [2, 'attachment_ready'],
    ]);
  });

  test('is announced once under an Idempotency-Key, however often it is asked for (A1)', async () => {
    const sessionId = await newSession();
    const announce = () =>
      api.call('POST', `/v1/sessions/${sessionId}/attachments`, {
        token: user.token,
        body: named(text),
        headers: { 'Idempotency-Key': `announced-${sessionId}` },
      });
    const [first, again] = [await announce(), await announce()];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(addedOf(again).attachment.id).toBe(addedOf(first).attachment.id);
    expect(await api.resources.database.asService().count(Attachment, { sessionId })).toBe(1);
  });

  test('is listed oldest first with its thumbnail and without its file', async () => {
    const sessionId = await newSession();
    await ended(await sent(sessionId, photograph, named(photograph, 'image/jpeg', 'tower.jpg')));
    await sent(sessionId, text);
    const answer = await api.call('GET', `/v1/sessions/${sessionId}/attachments`, { token: user.token });
    const { items } = answer.body.data as { items: AttachmentView[] };
    expect(items.map(({ fileName, status, file, thumbnail }) => [fileName, status, file, thumbnail !== null])).toEqual([
      ['tower.jpg', 'ready', null, true],
      ['notes.txt', 'uploading', null, false],
    ]);
  });
});

describe('a file that is not what was said of it', () => {
  const html = Buffer.from('<!doctype html><script>alert(1)</script>');
  test.each([
    ['a page as an image', html, named(html, 'image/png', 'x.png'), 'media_type_mismatch'],
    ['an image as text', photograph, named(photograph), 'media_type_mismatch'],
    [
      'half an image',
      photograph.subarray(0, 700),
      named(photograph.subarray(0, 700), 'image/jpeg'),
      'image_unreadable',
    ],
  ] as const)('%s is rejected, and nothing of it is kept', async (_what, bytes, said, code) => {
    const ids = await sent(await newSession(), bytes, said);
    const view = await ended(ids);
    expect(view).toMatchObject({ status: 'rejected', rejection: { code }, file: null, thumbnail: null, stored: null });
    await untilNothingSent(ids);
    await expect(api.resources.uploads.readFile(ids)).rejects.toThrow('no object');
    const events = await eventsAfter(api.resources.database.asService(), ids.sessionId, 1);
    expect(events.map(({ type }) => type)).toEqual(['attachment_rejected']);
  });

  test('by its SHA-256 is rejected also when it came in parts, whose bytes no signature holds', async () => {
    const large = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1'), randomBytes(partBytes)]);
    const said = { ...named(large, 'audio/wav'), sha256: sha256Of(text) };
    const view = await ended(await sent(await newSession(), large, said));
    expect(view.rejection?.code).toBe('checksum_mismatch');
  });

  test.each([
    ['fileName', { fileName: '../../etc/passwd' }],
    ['fileName', { fileName: 'a\u202egpj.exe' }],
    ['fileName', { fileName: 'a\r\nSet-Cookie: x' }],
    ['mediaType', { mediaType: 'text/html' }],
    ['mediaType', { mediaType: 'image/svg+xml' }],
    ['sizeBytes', { sizeBytes: 0 }],
    ['sizeBytes', { sizeBytes: 2 ** 31 }],
    ['sha256', { sha256: 'x' }],
    ['', { userId: randomUUID() }],
  ])('is refused at once for its %s: %j', async (path, change) => {
    const answer = await add(await newSession(), { ...named(text), ...change });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'validation_failed']);
    if (path !== '') expect(answer.body.error?.details?.map((detail) => detail.path)).toContain(path);
  });
});

describe('what may be kept', () => {
  const { storageBytes, uploadBytes } = tierTerms.basic;

  test('as one file follows from tier and type', async () => {
    const sessionId = await newSession();
    const large = await add(sessionId, { ...named(text, 'audio/wav'), sizeBytes: uploadBytes + 1 });
    expect([large.status, codeOf(large)]).toEqual([413, 'file_too_large']);
    const book = await add(sessionId, { ...named(text), sizeBytes: 20 * 1_024 ** 2 });
    expect(codeOf(book)).toBe('file_too_large');
  });

  test('in all is not passed by files that are announced at once, and is free again when one is deleted (S2)', async () => {
    const hoarder = await api.newUser();
    const sessionId = await newSession(hoarder);
    const kept = { ...named(text, 'audio/wav'), id: randomUUID(), sessionId, userId: hoarder.id };
    // All but two files of 40 MiB.
    const fileBytes = 40 * 1_024 ** 2;
    const em = api.resources.database.asService();
    for (let left = storageBytes - 2 * fileBytes; left > 0; left -= 2 ** 30) {
      const [id, sizeBytes] = [randomUUID(), Math.min(left, 2 ** 30)];
      em.create(Attachment, { ...kept, id, sizeBytes, status: 'ready', createdAt: new Date() });
    }
    await em.flush();
    const file = { ...named(text, 'audio/wav'), sizeBytes: fileBytes };
    const answers = await Promise.all(Array.from({ length: 6 }, () => add(sessionId, file, hoarder)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map((answer) => codeOf(answer))).toEqual(Array(4).fill('storage_full'));

    const first = answers.find(({ status }) => status === 201);
    if (first === undefined) throw new Error('Two were taken');
    const { attachment } = addedOf(first);
    await call('DELETE', { sessionId, attachmentId: attachment.id }, '', hoarder);
    expect((await add(sessionId, file, hoarder)).status).toBe(201);
  });

  test('of one session has a limit in number', async () => {
    const sessionId = await newSession();
    const em = api.resources.database.asService();
    for (let count = 0; count < maxAttachments; count++) {
      em.create(Attachment, {
        ...named(text),
        id: randomUUID(),
        sessionId,
        userId: user.id,
        status: 'expired',
        createdAt: new Date(),
      });
    }
    await em.flush();
    expect(codeOf(await add(sessionId, named(text)))).toBe('too_many_attachments');
  });
});

describe('deleting', () => {
  test('an attachment removes it for good, and its address to upload leads nowhere that lasts (A1)', async () => {
    const sessionId = await newSession();
    const ids = await sent(sessionId, text);
    const { file } = await ended(ids);
    expect((await call('DELETE', ids)).status).toBe(200);
    expect((await call('GET', ids)).status).toBe(404);
    expect((await call('DELETE', ids)).status).toBe(404);
    expect((await fetch(file?.url ?? '')).status).toBe(404);
  });

  test('a session removes its attachments with every byte, also of what is under way (A1)', async () => {
    const sessionId = await newSession();
    const ready = await sent(sessionId, text);
    const { file } = await ended(ready);
    const large = randomBytes(partBytes + 1);
    const parts = await sent(sessionId, large, named(large, 'audio/wav'));
    const em = () => api.resources.database.asService();
    const uploadId = (await findAttachment(em(), parts))?.uploadId ?? '';

    expect((await api.call('DELETE', `/v1/sessions/${sessionId}`, { token: user.token })).status).toBe(200);
    expect((await fetch(file?.url ?? '')).status).toBe(404);
    expect(await api.resources.uploads.receivedParts(parts, uploadId)).toBeNull();
    expect(await em().count(Attachment, { sessionId })).toBe(0);
  });

  test('what comes after it is removed when the time of every address is over', async () => {
    const sessionId = await newSession();
    const { attachment, upload } = addedOf(await add(sessionId, named(text)));
    const ids = { sessionId, attachmentId: attachment.id };
    await api.call('DELETE', `/v1/sessions/${sessionId}`, { token: user.token });
    await send(upload, text);
    expect(await api.resources.uploads.hasWhole(ids)).toBe(true);
    await createAttachmentEndActivities(api.resources).clearAttachment(ids);
    expect(await api.resources.uploads.hasWhole(ids)).toBe(false);
  });
});

test('a file that is never sent whole expires, is told of, and frees what it held', async () => {
  const sessionId = await newSession();
  const ids = await sent(sessionId, text);
  const ends = createAttachmentEndActivities(api.resources);
  await ends.endAttachment({ ...ids, status: 'expired', rejection: null });
  // An attempt whose answer was lost is made again.
  await ends.endAttachment({ ...ids, status: 'expired', rejection: null });
  expect(viewOf(await call('GET', ids))).toMatchObject({ status: 'expired', file: null });
  expect(codeOf(await call('GET', ids, '/upload'))).toBe('upload_ended');
  expect(codeOf(await call('POST', ids, '/complete'))).toBe('upload_ended');
  expect(await api.resources.uploads.hasWhole(ids)).toBe(false);
  const events = await eventsAfter(api.resources.database.asService(), sessionId, 1);
  expect(events.map(({ type }) => type)).toEqual(['attachment_expired']);
});

test('everything that is held of a person holds the files that they added (I5)', async () => {
  const owner = await api.newUser();
  const sessionId = await newSession(owner);
  const large = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1'), randomBytes(partBytes)]);
  const ids = [
    await sent(sessionId, text, named(text), owner),
    await sent(sessionId, large, named(large, 'audio/wav', 'voice'), owner),
  ];
  for (const each of ids) await ended(each, owner);
  await api.call('POST', '/v1/me/export', { token: owner.token });
  const url = await until(async () => {
    const answer = await api.call('GET', '/v1/me/export', { token: owner.token });
    return (answer.body.data as { url?: string | null }).url;
  });
  const files = unzipSync(new Uint8Array(await fetched(url)));
  const saved = ids.map(({ attachmentId }, i) => {
    const name = ['notes.txt', 'voice.wav'][i] ?? '';
    return files[`sessions/${sessionId}/attachments/${attachmentId}/${name}`];
  });
  expect(saved.map((bytes) => bytes && sha256Of(bytes))).toEqual([sha256Of(text), sha256Of(large)]);
});

test('an archive that is made while a file is deleted holds the others (I5)', async () => {
  const owner = await api.newUser();
  const sessionId = await newSession(owner);
  const [deleted, kept] = [
    await sent(sessionId, text, named(text), owner),
    await sent(sessionId, text, named(text), owner),
  ];
  for (const each of [deleted, kept]) await ended(each, owner);
  const { archives, database, uploads } = api.resources;
  const { buildExport } = createExportAccountActivities({
    ...api.resources,
    uploads: {
      ...uploads,
      readFile: async (ids) => {
        if (ids.attachmentId === deleted.attachmentId) await call('DELETE', ids, '', owner);
        return uploads.readFile(ids);
      },
    },
  });
  const { id: exportId } = await requestExport(database.asUser(owner.id), owner.id, randomUUID());
  const name = { userId: owner.id, exportId };
  await new MockActivityEnvironment().run(buildExport, { ...name, lifetimeMs: 60_000 });
  const paths = Object.keys(unzipSync(new Uint8Array(await fetched(await archives.link(name)))));
  const files = paths.filter((path) => path.includes('/attachments/'));
  expect(files).toEqual([`sessions/${sessionId}/attachments/${kept.attachmentId}/notes.txt`]);
});

describe("someone else's attachment", () => {
  test.each([
    ['GET', ''],
    ['GET', '/upload'],
    ['POST', '/complete'],
    ['DELETE', ''],
  ])('%s …%s cannot be told from one that never was (G5)', async (method, path) => {
    const ids = await sent(await newSession(), text);
    const never = { ...ids, attachmentId: randomUUID() };
    const [theirs, absent] = [await call(method, ids, path, stranger), await call(method, never, path, stranger)];
    expect([theirs.status, codeOf(theirs)]).toEqual([404, 'not_found']);
    expect([absent.status, codeOf(absent)]).toEqual([404, 'not_found']);
    expect((await call('GET', ids)).status).toBe(200);
  });

  test('cannot be reached through an own session, listed, or added to another’s session (I5)', async () => {
    const ids = await sent(await newSession(), text);
    const own = await newSession(stranger);
    expect((await call('GET', { ...ids, sessionId: own }, '', stranger)).status).toBe(404);
    expect((await call('GET', { ...ids, sessionId: await newSession() })).status).toBe(404);
    expect((await api.call('GET', `/v1/sessions/${ids.sessionId}/attachments`, { token: stranger.token })).status).toBe(
      404,
    );
    expect((await add(ids.sessionId, named(text), stranger)).status).toBe(404);
  });

  test('is hidden by the database itself, and what it turned out to be is not for the gateway to say (I5)', async () => {
    const ids = await sent(await newSession(), text);
    const { database } = api.resources;
    expect(await findAttachment(database.asUser(stranger.id), ids)).toBeNull();
    const em = database.asUser(user.id);
    await expect(em.execute(`update attachments set stored_bytes = 1`)).rejects.toThrow(/permission denied/);
    await expect(em.execute(`delete from attachments`)).rejects.toThrow(/permission denied/);
  });
});

test('the history of an attachment’s workflow holds ids alone (I5)', async () => {
  const ids = await sent(await newSession(), text, named(text, 'text/plain', 'MARKER.txt'));
  await ended(ids);
  const { config } = api.resources;
  const connection = await connectTemporal(config);
  const history = await connection.workflowService.getWorkflowExecutionHistory({
    namespace: config.TEMPORAL_NAMESPACE,
    execution: { workflowId: `attachment-${ids.attachmentId}` },
  });
  await connection.close();
  const told = asText(history);
  expect(told).toContain(`"attachmentId":"${ids.attachmentId}"`);
  expect(told).not.toContain('MARKER');
  expect(told).not.toContain(sha256Of(text));
});

test('without Temporal no file is announced, and nothing is held for it', async () => {
  const connection = await connectTemporal(api.resources.config);
  const deaf = createWorkflowClient({ connection, namespace: 'nowhere', waitMs: 500 });
  const other = await startTestApi({ deps: { workflows: deaf } });
  const sessionId = await newSession();
  const answer = await other.call('POST', `/v1/sessions/${sessionId}/attachments`, {
    token: user.token,
    body: named(text),
  });
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(await api.resources.database.asService().count(Attachment, { sessionId })).toBe(0);
  await other.close();
  await connection.close();
});
