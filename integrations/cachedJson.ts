import { createHash } from 'node:crypto';
import { z } from 'zod';

/*
 * Entries of the cache whose JSON is answered as it lies there: a head of ours and the JSON, together one JSON object.
 * The JSON was checked before it was written, and the seal keeps everybody else from writing one; so what is left to
 * check is the head, which names the form that the JSON was checked against.
 */

/** Names the form of a schema's JSON: another release's entry, of another form, counts for nothing. */
export function formOf(schema: z.ZodType): string {
  const form = JSON.stringify(z.toJSONSchema(schema, { unrepresentable: 'any' }));
  return createHash('sha256').update(form).digest('base64url');
}

const start = Buffer.from('{"head":');
const seam = Buffer.from(',"json":');

/** @param head holds no text that anybody else has a say in */
export function cachedJson(head: object, json: Uint8Array): Buffer {
  return Buffer.concat([start, Buffer.from(JSON.stringify(head)), seam, json, Buffer.from('}')]);
}

/** Undefined when this is no such entry, or its head is another than the schema's. */
export function openCachedJson<H>(schema: z.ZodType<H>, entry: Buffer): { head: H; json: Buffer } | undefined {
  const at = entry.indexOf(seam);
  if (at < 0 || !entry.subarray(0, start.length).equals(start)) return undefined;
  const head = schema.safeParse(JSON.parse(entry.toString('utf8', start.length, at)));
  return head.success ? { head: head.data, json: entry.subarray(at + seam.length, -1) } : undefined;
}
