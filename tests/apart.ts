import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { publishBundledModels } from '../cli/bundledModels.ts';
import { readConfig, type Config } from '../config.ts';
import { systemConfigRows } from '../db/systemConfig.ts';
import { systemChangesSchema } from '../domain/systemConfig.ts';
import { openResources } from '../resources.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { provisionTemporal } from '../temporal/provision.ts';

/**
 * A database, a bucket and a namespace of their own on the test stack, for tests that change what every session is
 * analyzed with: no other test sees it, and no worker of another test takes their work. With `models`, those that come
 * with the project are published there.
 */
export async function standApart({ models = false } = {}): Promise<
  Pick<Config, 'DATABASE_URL' | 'S3_BUCKET' | 'TEMPORAL_NAMESPACE'>
> {
  const config = readConfig();
  const name = `apart-${randomBytes(4).toString('hex')}`;
  const server = new Client({ connectionString: config.DATABASE_URL });
  await server.connect();
  await server.query(`create database ${server.escapeIdentifier(name)}`);
  await server.end();
  const url = new URL(config.DATABASE_URL);
  url.pathname = `/${name}`;
  const apart = { DATABASE_URL: url.href, S3_BUCKET: name, TEMPORAL_NAMESPACE: name };

  const resources = openResources({ ...config, ...apart }, 'test');
  await resources.database.orm.migrator.up();
  await resources.objects.ensureBucket();
  // Redis is shared with the other tests, and with it the limits.
  const unlimited: unknown = JSON.parse(await readFile('stack/unlimited.json', 'utf8'));
  const changes = systemChangesSchema.parse(unlimited);
  await systemConfigRows(resources.database).addAfter(0, { changes, by: null });
  if (models) await publishBundledModels(resources);
  await resources.close();
  const connection = await connectTemporal(config);
  await provisionTemporal(connection, { ...config, TEMPORAL_NAMESPACE: name });
  await connection.close();
  return apart;
}
