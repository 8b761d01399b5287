import type { Payload } from '@temporalio/common';
import { readConfig } from '../config.ts';
import { isSealed, openPayload } from '../temporal/codec.ts';

/**
 * Every text in a history, with the payloads opened that are sealed in it. It does not go through JSON, in which a
 * message of Temporal's writes its bytes as base64, where no word could be found.
 */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  if (isSealed(value)) return asText(openPayload(value, readConfig().TEMPORAL_PAYLOAD_KEYS).payload);
  return Object.values(value).map(asText).join('\n');
}

/** Every payload in a history, as the server has it; what Temporal searches by is none, nor is the trace's id. */
export function payloadsIn(value: unknown): Payload[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if (isPayload(value)) return [value];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'searchAttributes' || name === 'header' ? [] : payloadsIn(inner),
  );
}

function isPayload(value: object): value is Payload {
  return 'metadata' in value && 'data' in value;
}

/** Every message and stack trace of a failure in a history, as the server has it. */
export function failureTextsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    (name === 'message' || name === 'stackTrace') && typeof inner === 'string' ? [inner] : failureTextsIn(inner),
  );
}
