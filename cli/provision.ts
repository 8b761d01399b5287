import { readConfig } from '../config.ts';
import { publishedChecksum, publishModel } from '../db/models.ts';
import { listBundledArtefacts } from '../ml/artefact.ts';
import { openResources, type Resources } from '../resources.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { provisionTemporal } from '../temporal/provision.ts';

/**
 * Makes what the processes need before they start: tables, bucket, namespace with its search attributes, models.
 * It may be run at any time, and again.
 */

const config = readConfig();
const resources = openResources({ ...config, LOG_LEVEL: 'warn' }, 'provision');
try {
  await migrate(resources);
  await resources.objects.ensureBucket();
  say(`object storage: bucket ${config.S3_BUCKET} is there`);

  const connection = await connectTemporal(config.TEMPORAL_ADDRESS);
  await provisionTemporal(connection, config.TEMPORAL_NAMESPACE);
  await connection.close();
  say(`temporal: namespace ${config.TEMPORAL_NAMESPACE} has its search attributes`);

  for (const line of await publishBundledModels(resources)) say(line);
  say('tables, bucket, namespace and models are there');
} finally {
  await resources.close();
}

async function migrate({ database }: Resources): Promise<void> {
  const done = await database.orm.migrator.up();
  say(done.length === 0 ? 'database: up to date' : `database: ${done.map(({ name }) => name).join(', ')} applied`);
}

/** Publishes the models that come with the project, each version once; a version that is new becomes the active one. */
async function publishBundledModels({ database, objects }: Resources): Promise<string[]> {
  const em = database.asService();
  const lines: string[] = [];
  for (const { name, version, sha256, figures, bytes } of await listBundledArtefacts()) {
    const published = await publishedChecksum(em, { name, version });
    if (published === sha256) {
      lines.push(`models: ${name} ${version} is published`);
      continue;
    }
    if (published !== null) {
      throw new Error(`${name} ${version} differs from the ${version} that is published: give it a version of its own`);
    }
    const artefactKey = `models/${name}/${version}`;
    await objects.putSealed(artefactKey, bytes);
    await publishModel(em, {
      name,
      version,
      artefactKey,
      sha256,
      figures: figures.map(({ chanceIs, ...figure }) => ({ ...figure, meaning: chanceIs })),
    });
    lines.push(`models: ${name} ${version} published and active`);
  }
  return lines;
}

function say(line: string): void {
  console.log(line);
}
