import { z } from 'zod';

/** A parameter that may be given once or several times. */
export function severalOf<const T extends readonly [string, ...string[]]>(values: T) {
  const one = z.enum(values);
  return z.union([one.transform((value) => [value]), z.array(one).min(1).max(values.length)]);
}
