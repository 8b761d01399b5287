import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { cachedJson, formOf, openCachedJson } from './cachedJson.ts';

const head = z.object({ form: z.literal('f'), n: z.int() });
const json = Buffer.from('{"a":"Brücke","json":",\\"json\\":"}');

describe('An entry of the cache whose JSON is answered as it lies there (D2)', () => {
  test('is one JSON object, and gives its JSON back to the byte', () => {
    const entry = cachedJson({ form: 'f', n: 1 }, json);
    const said: unknown = JSON.parse(entry.toString());
    expect(said).toMatchObject({ head: { form: 'f', n: 1 }, json: { a: 'Brücke' } });
    const opened = openCachedJson(head, entry);
    expect([opened?.head, opened?.json.toString()]).toEqual([{ form: 'f', n: 1 }, json.toString()]);
  });

  test.each([
    ['another form', cachedJson({ form: 'g', n: 1 }, json)],
    ['another head', cachedJson({ form: 'f' }, json)],
    ['no head', Buffer.from('{"ended":{"view":{"head":1,"json":2}}}')],
    ['no JSON', Buffer.from('{"head":{"form":"f","n":1}}')],
    ['nothing', Buffer.alloc(0)],
  ])('counts for nothing with %s', (_name, entry) => {
    expect(openCachedJson(head, entry)).toBeUndefined();
  });

  test('has another form once its schema says something else', () => {
    const schema = z.object({ a: z.string() });
    expect(formOf(schema)).toBe(formOf(z.object({ a: z.string() })));
    for (const other of [z.object({ a: z.string().optional() }), z.object({ a: z.string(), b: z.int() })]) {
      expect(formOf(other)).not.toBe(formOf(schema));
    }
  });
});
