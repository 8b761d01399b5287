import { readFile } from 'node:fs/promises';
import { sessionContentSchema, type SessionContent } from '../domain/content.ts';
import type { SessionType } from '../domain/session.ts';

/** The example of a session type from `examples/`, as a client would send it. */
export async function exampleOf(sessionType: SessionType): Promise<SessionContent> {
  const path = new URL(`../examples/${sessionType.replace('_', '-')}.json`, import.meta.url);
  return sessionContentSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}
