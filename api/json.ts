import type { z } from 'zod';

/** The JSON of a `T`, answered as it lies there: whoever wrote it has checked it. */
export class Json<T> {
  /** Nothing at run time: it keeps the JSON of one thing from being taken for that of another. */
  declare readonly of?: T;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** What it says. @throws z.ZodError */
  opened<O>(schema: z.ZodType<O, T>): O {
    return schema.parse(this.toJSON());
  }

  toJSON(): unknown {
    return JSON.parse(Buffer.from(this.bytes).toString('utf8'));
  }
}
