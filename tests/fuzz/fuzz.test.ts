import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestApi, type TestApi, type TestUser } from '../api.ts';
import { schemathesisFolder } from './location.mjs';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi({ worker: true });
  user = await api.newUser();
});
afterAll(() => api.close());

const patienceMs = 10 * 60_000;

/** Lets Schemathesis loose on the gateway, and gives back what it found. */
function fuzz(): Promise<{ failed: boolean; report: string }> {
  const config = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
  const args = ['-m', 'schemathesis.cli', '--config-file', config, 'run', `${api.url}/v1/openapi.json`, '--no-color'];
  const env = { ...process.env, PYTHONPATH: schemathesisFolder(), FUZZ_TOKEN: user.token };
  return new Promise((resolve) => {
    execFile('python3', args, { env, maxBuffer: 64 * 1024 ** 2, timeout: patienceMs }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, report: stdout + stderr });
    });
  });
}

test(
  'thousands of requests made from the OpenAPI document find no 5xx and no answer that it does not name (G1, G3)',
  async () => {
    if (!existsSync(schemathesisFolder())) {
      throw new Error('Schemathesis is missing; "node tests/fuzz/install.mjs" installs it, or says why it cannot');
    }
    const { failed, report } = await fuzz();
    if (failed) throw new Error(report);
    const [, generated] = /^ {2}(\d+) generated/m.exec(report) ?? [];
    expect(Number(generated)).toBeGreaterThan(2_000);
    // The token was good to the end, or most of it would have been 401.
    expect((await api.call('GET', '/v1/me', { token: user.token })).status).toBe(200);
  },
  patienceMs,
);
