import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { secondMs } from '../domain/time.ts';
import { createApiClient } from './apiClient.ts';
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
say(
  'The examples are made up, and the models were trained on simulated sessions.',
  `Account ${person.email}, password ${person.password} (made for this demonstration)`,
);

let completed = 0;
for (const example of examples) {
  if (await demonstrate(example)) completed += 1;
}
say('', `${completed} of ${examples.length} sessions completed.`);
process.exitCode = completed === examples.length ? 0 : 1;

/** One session from its creation to its results; whether it was completed. */
async function demonstrate(example: string): Promise<boolean> {
  const path = `examples/${example}.json`;
  const startedAt = performance.now();
  const created = await client.createSession(accessToken, JSON.parse(await readFile(path, 'utf8')));
  say('', `${created.sessionType.replaceAll('_', ' ')}  (${path})`, `  session ${created.id}`);

  const updates = await client.follow(accessToken, created.id, patienceMs, (update) => {
    const seconds = ((performance.now() - startedAt) / secondMs).toFixed(2).padStart(6);
    const { seq, event, attempt = 1, stuck } = update.data;
    const again = attempt > 1 ? `, attempt ${attempt}` : '';
    say(`  ${seconds} s  #${seq}  ${event.replaceAll('_', ' ')}${again}${stuck ? `: ${stuck.message}` : ''}`);
  });
  if (updates.at(-1)?.data.status !== 'completed') return false;
  for (const result of await client.results(accessToken, created.id)) {
    say('', ...describeResult(result).map((line) => `  ${line}`));
  }
  return true;
}

function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}
