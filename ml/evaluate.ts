// Measures the artefacts that are committed on the frozen test set, which training never saw.
// npm run ml:evaluate [-- <model>]

import { listBundledArtefacts, unpackArtefact } from './artefact.ts';
import { openBackend } from './backend.ts';
import { figuresTable } from './card.ts';
import { measure } from './training/finish.ts';
import { recipeNamed } from './training/recipes.ts';

const runtime = await openBackend();
const only = process.argv[2]?.replaceAll('-', '_');
for (const { name, version, bytes } of await listBundledArtefacts()) {
  const recipe = recipeNamed(name);
  if (recipe === undefined || (only !== undefined && only !== name)) continue;
  const figures = await measure({ runtime, recipe, weights: unpackArtefact(bytes).weights });
  console.log(`${name} ${version} on ${runtime.backend}\n\n${figuresTable(figures)}\n`);
}
