/**
 * Every text in a history, and the bytes of its payloads read as what they say. It does not go through JSON, in which
 * a message of Temporal's writes its bytes as base64, where no word could be found.
 */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(asText).join('\n');
}
