import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { createPayloadCodec, openPayload, PayloadSealedError } from './codec.ts';

const newKey = (id: string) => ({ id, key: randomBytes(32) });
const [current, old] = [newKey('2026-11'), newKey('2025-01')];
const context = { type: 'workflow', namespace: 'mindpeeker', workflowId: 'session-1' } as const;
const plain = defaultPayloadConverter.toPayload({ sessionId: 'the id' });

async function sealedWith(keys: (typeof current)[]): Promise<Payload> {
  const [sealed] = await createPayloadCodec(keys).encode([plain], context);
  return sealed ?? {};
}
async function openedWith(keys: (typeof current)[], payload: Payload): Promise<Payload> {
  const [opened] = await createPayloadCodec(keys).decode([payload]);
  return opened ?? {};
}
const valueOf = (payload: Payload): unknown => defaultPayloadConverter.fromPayload(payload);
const textOf = ({ metadata, data }: Payload) =>
  [...Object.values(metadata ?? {}), data ?? Buffer.alloc(0)].map((bytes) => Buffer.from(bytes).toString()).join();

describe('A payload on its way to Temporal', () => {
  test('shows nothing but that it is encrypted and with which key, and never looks the same twice (I5)', async () => {
    const [one, other] = [await sealedWith([current]), await sealedWith([current])];
    expect(Object.keys(one.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
    expect(textOf(one)).toContain('binary/encrypted,2026-11');
    expect(textOf(one)).not.toMatch(/the id|sessionId|session-1|json/);
    expect(one.data).not.toEqual(other.data);
  });

  test('opens to what it was, and says whose it is', async () => {
    const sealed = await sealedWith([current]);
    expect(valueOf(await openedWith([current], sealed))).toEqual({ sessionId: 'the id' });
    const { payload, workflowId } = openPayload(sealed, [current]);
    expect(Object.keys(payload.metadata ?? {})).toEqual(['encoding']);
    expect(workflowId).toBe('session-1');
  });

  test('stays readable after the key was changed, and is then sealed with the new one (I5)', async () => {
    expect(valueOf(await openedWith([current, old], await sealedWith([old])))).toEqual({ sessionId: 'the id' });
    expect(textOf(await sealedWith([current, old]))).toContain('2026-11');
  });

  test('that was written before anything was encrypted stays readable (T1)', async () => {
    expect(await openedWith([current], plain)).toEqual(plain);
  });
});

describe('A sealed payload does not open (I5)', () => {
  test('without its key, which is named', async () => {
    const sealed = await sealedWith([old]);
    await expect(openedWith([current], sealed)).rejects.toThrow(/"2025-01", which is not configured/);
    await expect(openedWith([{ ...current, id: old.id }], sealed)).rejects.toThrow(PayloadSealedError);
  });

  test('when any one of its bytes was altered, or the name of its key', async () => {
    const sealed = await sealedWith([current]);
    const data = sealed.data ?? new Uint8Array();
    for (let i = 0; i < data.byteLength; i += 1) {
      const altered = Uint8Array.from(data);
      altered[i] = (altered[i] ?? 0) ^ 1;
      await expect(openedWith([current], { ...sealed, data: altered })).rejects.toThrow(PayloadSealedError);
    }
    const renamed = { ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': Buffer.from(old.id) } };
    await expect(openedWith([{ ...current, id: old.id }], renamed)).rejects.toThrow(PayloadSealedError);
  });

  test.each([0, 11, 27, 40])('when only %i bytes of it are left', async (length) => {
    const sealed = await sealedWith([current]);
    const cut = { ...sealed, data: (sealed.data ?? new Uint8Array()).subarray(0, length) };
    await expect(openedWith([current], cut)).rejects.toThrow(PayloadSealedError);
  });

  test('nor is one written when there is no key', async () => {
    await expect(sealedWith([])).rejects.toThrow('needs a key');
  });
});
