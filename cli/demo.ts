import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { io, type Socket } from 'socket.io-client';
import type { SessionUpdate } from '../domain/events.ts';
import { isTerminal } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';
import { createApiClient, type CreatedSession } from './apiClient.ts';
import { describeResult } from './picture.ts';

/**
 * The demonstration that `npm start` runs: one session of each type, through the public API as any client would, with
 * its progress as it comes over the live connection, and its results. Exits 0 when every session was completed.
 */

const examples = ['remote-viewing', 'dowsing', 'precognition', 'intuitive-analysis'];
const patienceMs = 120 * secondMs;

const apiUrl = process.argv[2] ?? 'http://127.0.0.1:3000';
const client = createApiClient(apiUrl);

const name = `demo-${randomBytes(4).toString('hex')}`;
const person = { email: `${name}@example.com`, username: name, password: randomBytes(12).toString('base64url') };
const { accessToken } = await client.register(person);
say(`Account ${person.email}, password ${person.password} (made for this demonstration)`);

const socket = io(apiUrl, { path: '/v1/ws', auth: { token: accessToken }, transports: ['websocket'] });
let completed = 0;
for (const example of examples) {
  if (await demonstrate(example)) completed += 1;
}
socket.disconnect();
say('', `${completed} of ${examples.length} sessions completed.`);
process.exitCode = completed === examples.length ? 0 : 1;

/** One session from its creation to its results; whether it was completed. */
async function demonstrate(example: string): Promise<boolean> {
  const path = `examples/${example}.json`;
  const startedAt = performance.now();
  const created = await client.createSession(accessToken, JSON.parse(await readFile(path, 'utf8')));
  say('', `${created.sessionType.replaceAll('_', ' ')}  (${path})`, `  session ${created.id}`);

  const last = await follow(socket, created, (update) => {
    const seconds = ((performance.now() - startedAt) / secondMs).toFixed(2).padStart(6);
    const { seq, event, attempt = 1, stuck } = update.data;
    const again = attempt > 1 ? `, attempt ${attempt}` : '';
    say(`  ${seconds} s  #${seq}  ${event.replaceAll('_', ' ')}${again}${stuck ? `: ${stuck.message}` : ''}`);
  });
  if (last.data.status !== 'completed') return false;
  for (const result of await client.results(accessToken, created.id)) {
    say('', ...describeResult(result).map((line) => `  ${line}`));
  }
  return true;
}

/** Watches a session until it ends, or parks. */
function follow(
  live: Socket,
  session: CreatedSession,
  onUpdate: (update: SessionUpdate) => void,
): Promise<SessionUpdate> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`Session ${session.id} did not end within ${patienceMs / secondMs} seconds`));
    }, patienceMs);
    const listener = (update: SessionUpdate) => {
      if (update.sessionId !== session.id) return;
      onUpdate(update);
      if (!isTerminal(update.data.status) && update.data.event !== 'stuck') return;
      clearTimeout(timer);
      live.off('session_update', listener);
      resolve(update);
    };
    live.on('session_update', listener);
    live.emit('subscribe', { sessionId: session.id, after: 0 });
  });
}

function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}
