import { expect, test } from '@jest/globals';
import { startProcess } from './processes.ts';

test('a pool that must be on a GPU and finds none never becomes ready (M3, I1)', async () => {
  // Plain JavaScript is never on a GPU, whatever machine the tests run on.
  const start = startProcess('workers/gpu.ts', { REQUIRE_GPU: 'true', INFERENCE_BACKEND: 'js' });
  await expect(start).rejects.toThrow('ended with code 1 before it was ready');
});
