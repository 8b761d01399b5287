// Measures the artefacts that are committed, on simulated sessions of seeds that training never saw.
// npm run ml:evaluate [-- <model>]

import { listBundledArtefacts, unpackArtefact } from './artefact.ts';
import { openBackend } from './backend.ts';
import { figuresTable } from './card.ts';
import { evaluationSeedOffset, evaluationSessions, trainerNamed, trainers } from './trainers.ts';

const { tf, backend } = await openBackend();
const only = trainerNamed(process.argv[2]);
for (const { name, version, bytes } of await listBundledArtefacts()) {
  if (only !== undefined && only.sessionType !== name) continue;
  const { seed, weights } = unpackArtefact(bytes);
  const figures = await trainers[name].evaluate({
    tf,
    weights,
    seed: seed + evaluationSeedOffset,
    sessions: evaluationSessions,
  });
  console.log(`${name} ${version} on ${backend}\n\n${figuresTable(figures)}\n`);
}
