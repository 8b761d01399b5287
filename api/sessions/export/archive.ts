import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { ZipFile } from 'yazl';
import type { SessionEvent } from '../../../domain/events.ts';
import type { OutcomeRecord } from '../../../db/outcomes.ts';
import type { ResultsView, SessionView } from '../schemas.ts';
import { sketchPicture, tracePicture } from './pictures.ts';
import { reportPage } from './report.ts';

/** All that is kept of a session for its owner. */
export interface SessionRecord {
  session: SessionView;
  /** Empty while there are none. */
  results: ResultsView['results'];
  events: readonly SessionEvent[];
  /** What turned out to be true; null while nothing is recorded. */
  outcome: OutcomeRecord | null;
}

/** A drawing, under the name of its files. */
export interface Picture {
  name: string;
  svg: string;
}

/** A session as one zip: what is kept of it as JSON, what was drawn as pictures, and a report to read. */
export async function sessionArchive(record: SessionRecord): Promise<Uint8Array> {
  const { session, results, events, outcome } = record;
  const pictures = picturesOf(session.impressions);
  const zip = new ZipFile();
  const add = (name: string, content: string | Uint8Array) => {
    const bytes = Buffer.from(content);
    zip.addBuffer(bytes, name, { compress: typeof content === 'string' });
  };
  add('report.html', reportPage(record, pictures));
  add('session.json', json(session));
  add('results.json', json(results));
  add('events.json', json(events));
  if (outcome !== null) add('outcome.json', json(outcome));
  for (const { name, svg } of pictures) {
    add(`${name}.svg`, svg);
    add(`${name}.png`, await sharp(Buffer.from(svg)).png().toBuffer());
  }
  zip.end();
  return buffer(zip.outputStream);
}

function picturesOf(impressions: SessionView['impressions']): Picture[] {
  if (impressions === undefined) return [];
  if ('trace' in impressions) return [{ name: 'trace', svg: tracePicture(impressions.trace.points) }];
  if (!('sketches' in impressions)) return [];
  return (impressions.sketches ?? []).map((sketch, i) => ({ name: `sketch-${i + 1}`, svg: sketchPicture(sketch) }));
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
