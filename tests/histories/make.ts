import { test } from '@jest/globals';
import { writeHistories, type NamedHistory } from './files.ts';
import {
  accountMailPaths,
  attachmentPaths,
  backupPaths,
  bulkPaths,
  eraseAccountPaths,
  erasePaths,
  exportAccountPaths,
  findStuckPaths,
  trainingPaths,
  webhookDeliveryPaths,
} from './otherPaths.ts';
import { sessionPaths, type Path } from './sessionPaths.ts';
import { surround, type Surroundings } from './surroundings.ts';

/*
 * `npm run histories`: runs every way that a workflow can go, on the real stack, and writes down the histories that
 * `tests/replay.test.ts` holds the workflows to. It is run when workflows change on purpose, after a look at which of
 * the old histories can no longer be replayed.
 */

const patienceMs = 15 * 60_000;

test(
  'every way that a workflow can go is written down',
  async () => {
    const around = await surround();
    try {
      const made = await Promise.all([
        ...Object.entries({
          session: sessionPaths,
          erase: erasePaths,
          attachment: attachmentPaths,
          'account-mail': accountMailPaths,
          'export-account': exportAccountPaths,
          'erase-account': eraseAccountPaths,
          webhook: webhookDeliveryPaths,
          'find-stuck': findStuckPaths,
          bulk: bulkPaths,
        }).flatMap(([workflow, paths]) =>
          Object.entries(paths).map(([name, path]) => make(around, `${workflow}.${name}`, path)),
        ),
        inOrder(around, 'training', trainingPaths),
        inOrder(around, 'backup', backupPaths),
      ]);
      await writeHistories(made.flat());
    } finally {
      await around.close();
    }
  },
  patienceMs,
);

async function inOrder(
  around: Surroundings,
  workflow: string,
  paths: Readonly<Record<string, Path>>,
): Promise<NamedHistory[]> {
  const made: NamedHistory[] = [];
  for (const [name, path] of Object.entries(paths)) made.push(await make(around, `${workflow}.${name}`, path));
  return made;
}

async function make(around: Surroundings, name: string, path: Path): Promise<NamedHistory> {
  const history = await around.historyOf(await path(around));
  process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
  return { name, history };
}
