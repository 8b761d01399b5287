import { createHmac } from 'node:crypto';
import { v5 as uuidV5, v7 as uuidV7 } from 'uuid';

/** The namespaces of ids that follow from an Idempotency-Key; they must never change. */
const keyNamespaces = {
  session: '6b1d6f0e-3f2b-4c55-9d0a-7c7d8a3f9e21',
  training: 'f3a8c1de-52b7-4c0e-8a64-0d9b7e2c5f18',
};

/** The id of something new: with an Idempotency-Key it follows from it, so the key can only ever name this one. */
export function newId(kind: keyof typeof keyNamespaces, userId: string, idempotencyKey?: string): string {
  return idempotencyKey === undefined ? uuidV7() : uuidV5(`${userId}\n${idempotencyKey}`, keyNamespaces[kind]);
}

/** A keyed hash of what was asked for, which tells a repeated request from another and reveals nothing of either. */
export function fingerprintOf(request: unknown, secret: string): string {
  return createHmac('sha256', secret).update(JSON.stringify(request, inKeyOrder)).digest('hex');
}

/** Two bodies that differ in the order of their fields alone say the same. */
function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
