import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { errorPage } from './errorPage.ts';

test('docs/errors.md says what the table of errors says (G3)', async () => {
  const written = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
  expect(written).toBe(errorPage());
});
