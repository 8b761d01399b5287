import { readConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { openResources, type Resources } from '../resources.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { provisionTemporal } from '../temporal/provision.ts';
import { provisionSchedules } from '../temporal/schedules.ts';
import { publishBundledModels } from './bundledModels.ts';

/**
 * Makes what the processes need before they start: tables, bucket, namespace with its search attributes, models.
 * It may be run at any time, and again.
 */

const config = readConfig();
const resources = openResources({ ...config, LOG_LEVEL: 'warn' }, 'provision');
try {
  await migrate();
  await resources.objects.ensureBucket();
  await resources.backups.ensure();
  say(`object storage: bucket ${config.S3_BUCKET} is there`);
  say(await allowWebPages(resources));

  const connection = await connectTemporal(config);
  const changes = await provisionTemporal(connection, config);
  say(
    `temporal: namespace ${config.TEMPORAL_NAMESPACE} ${changes.length === 0 ? 'is as it should be' : changes.join(', ')}`,
  );
  // Tests start by themselves what a schedule would.
  if (!process.argv.includes('--no-schedules')) {
    await provisionSchedules(connection, config);
    say('temporal: the schedules are there');
  }
  await connection.close();

  for (const line of await publishBundledModels(resources)) say(line);
  say('tables, bucket, namespace and models are there');
} finally {
  await resources.close();
}

/** On a connection of its own, which waits as long as a migration takes. */
async function migrate(): Promise<void> {
  const database = openDatabase({ url: config.DATABASE_URL, poolMax: 1 });
  const done = await database.orm.migrator.up().finally(() => database.close());
  say(done.length === 0 ? 'database: up to date' : `database: ${done.map(({ name }) => name).join(', ')} applied`);
}

/** Web pages that may call the gateway may send files to object storage and fetch them from there, too. */
async function allowWebPages({ uploads }: Resources): Promise<string> {
  await uploads.allowOrigins(config.CORS_ORIGINS);
  return `object storage: web pages of ${config.CORS_ORIGINS.length} origins may send and fetch files`;
}

function say(line: string): void {
  console.log(line);
}
