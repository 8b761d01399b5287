import { writeFile } from 'node:fs/promises';
import { errorPage } from './errorPage.ts';

/** `npm run docs`: writes the pages that are made from code. */
await writeFile('docs/errors.md', errorPage());
console.log('docs/errors.md is written');
