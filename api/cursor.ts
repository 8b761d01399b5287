import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ApiError } from '../domain/errors.ts';
import { fingerprintOf } from './identity.ts';

/**
 * A place in a list, in a form that clients hand back unread. It is signed together with what the list was asked for,
 * so it leads nowhere but on in the same list, and what it says need not be doubted.
 */
export interface Position {
  /** The value that the list is sorted by, as the database prints it. */
  time: string;
  id: string;
}

const cursorSchema = z.tuple([z.string(), z.string(), z.string()]);

/** @param list what the list was asked for: filters and order */
export function toCursor({ time, id }: Position, list: object, secret: string): string {
  return Buffer.from(JSON.stringify([time, id, signatureOf({ time, id }, list, secret)])).toString('base64url');
}

/** @throws ApiError `validation_failed` when it is none of this list */
export function fromCursor(cursor: string, list: object, secret: string): Position {
  try {
    const [time, id, signature] = cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    const expected = Buffer.from(signatureOf({ time, id }, list, secret));
    if (timingSafeEqual(Buffer.from(signature), expected)) return { time, id };
  } catch {
    // Whatever is wrong with it, the client is told the same.
  }
  throw new ApiError('validation_failed', [{ path: 'cursor', message: 'is no cursor of this list' }]);
}

function signatureOf(position: Position, list: object, secret: string): string {
  return fingerprintOf({ cursor: position, list }, secret);
}
