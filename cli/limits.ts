import { readFile } from 'node:fs/promises';
import { systemConfigRows } from '../db/systemConfig.ts';
import { systemChangesSchema, withChanges } from '../domain/systemConfig.ts';
import { createSystemConfigReader } from '../integrations/systemConfig.ts';
import { createLogger } from '../observability/logger.ts';
import { withStores } from './stores.ts';

/**
 * `npm run limits`: shows what the platform's limits are and what was changed of them.
 * `npm run limits -- <file.json>`: changes them to the defaults with what stands in the file, as
 * `PUT /v1/admin/config` does.
 */

const [file] = process.argv.slice(2);
try {
  await withStores(async ({ database, cache }) => {
    const rows = systemConfigRows(database);
    let stored = await rows.newest();
    if (file !== undefined) {
      const changes = systemChangesSchema.parse(JSON.parse(await readFile(file, 'utf8')));
      const added = await rows.addAfter(stored.version, { changes, by: null });
      if (added === null) throw new Error('The limits were changed by somebody else meanwhile; look, and try again.');
      stored = added;
      const logger = createLogger({ service: 'command', level: 'error' });
      await createSystemConfigReader({ cache, readChanges: () => Promise.resolve(changes), logger }).remember(changes);
    }
    const { version, changes } = stored;
    console.log(JSON.stringify({ version, changes, config: withChanges(changes) }, null, 2));
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
