import { z } from 'zod';
import type { SessionPosition } from '../../db/sessions.ts';
import { ApiError } from '../../domain/errors.ts';

const timeForm = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})?[+-]\d\d(?::\d\d)?$/;
const positionSchema = z.tuple([z.string().regex(timeForm).refine(isRealTime), z.uuid()]);

/** A place in a list, in a form that clients hand back unread. */
export function toCursor({ createdAt, id }: SessionPosition): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString('base64url');
}

/** @throws ApiError `validation_failed` when it is none of ours */
export function fromCursor(cursor: string): SessionPosition {
  try {
    const [createdAt, id] = positionSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { createdAt, id };
  } catch (error) {
    throw new ApiError('validation_failed', [{ path: 'cursor', message: 'is no cursor of this list' }], {
      cause: error,
    });
  }
}

/** PostgreSQL refuses a date like February 30th, where JavaScript moves on to March. */
function isRealTime(text: string): boolean {
  const [, day = '', time = ''] = timeForm.exec(text) ?? [];
  const parsed = new Date(`${day}T${time}Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(`${day}T${time}`);
}
