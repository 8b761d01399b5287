import { z } from 'zod';

/**
 * For `.refine(...storable)`: text that PostgreSQL can hold. Neither its `text` nor its `jsonb` stores a NUL, or half of a
 * pair of surrogates.
 */
export const storable = [
  (text: string) => text.isWellFormed() && !text.includes('\u0000'),
  'must not contain NUL or half a character',
] as const;

/**
 * The same of every text in what `JSON.stringify` wrote: it escapes these two. Where the backslash of such an escape is
 * escaped itself, it is text that looks like one.
 */
export function isStorableJson(json: string): boolean {
  return !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(json);
}

function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(...storable);
}

/** Text with something to read in it. */
export function filledText(maxLength: number) {
  return text(maxLength).refine((value) => value.trim().length > 0, 'must not be empty');
}
