import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readConfig } from '../config.ts';
import type { ModelFigure, Training } from '../db/entities.ts';
import { findTraining, listTrainings } from '../db/trainings.ts';
import { sessionTypes } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';
import { highestSeed, trainingSessions } from '../domain/trainings.ts';
import { figuresTable } from '../ml/card.ts';
import { openResources, type Resources } from '../resources.ts';
import { createWorkflowClient, type WorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { RefusedError } from './ops/command.ts';
import { publishHere, whyNotPublished } from './publish.ts';
import { createProgressDisplay } from './trainingProgress.ts';

/**
 * Has a model trained by the platform that the environment names, and shows how it goes until it has ended. stack/train.mjs
 * reads the command line and brings the platform up where none runs.
 */

const commandSchema = z.object({
  model: z.enum(sessionTypes),
  sessions: z.int().min(trainingSessions.fewest).max(trainingSessions.most).optional(),
  seed: z.int().min(0).max(highestSeed).default(1),
  publish: z.boolean(),
  action: z.enum(['start', 'last', 'cancel']),
});
type Command = z.output<typeof commandSchema>;

const lookEveryMs = 0.5 * secondMs;

async function run(command: Command, resources: Resources, workflows: WorkflowClient): Promise<void> {
  // Said before the training, which may take half an hour.
  const refusal = command.publish ? await whyNotPublished(resources.database, command.model) : null;
  if (refusal !== null) throw new RefusedError(refusal);
  const id = await trainingOf(command, resources, workflows);
  const asTyped = command.model.replaceAll('_', '-');
  process.once('SIGINT', () => {
    console.log(`\n\nThe training goes on without us. Come back to it: npm run train -- ${asTyped} --last`);
    process.exit(130);
  });
  const training = await follow(id, resources);
  console.log(`\n${outcomeOf(training)}\n`);
  process.exitCode = training.state === 'completed' ? 0 : 1;
  if (command.publish && training.state === 'completed') console.log(await publishHere(resources, training));
}

/** @throws RefusedError */
async function trainingOf(command: Command, resources: Resources, workflows: WorkflowClient): Promise<string> {
  const { model, action } = command;
  const [newest] = await listTrainings(resources.database.asService(), { model, limit: 1 });
  switch (action) {
    case 'start':
      return start(command, workflows);
    case 'last':
      if (newest === undefined) throw new RefusedError(`${model} was never trained here.`);
      return newest.id;
    case 'cancel':
      if (newest?.state !== 'running') throw new RefusedError(`No training of ${model} is under way.`);
      await workflows.cancelTraining(newest.id);
      return newest.id;
  }
}

async function start({ model, sessions, seed }: Command, workflows: WorkflowClient): Promise<string> {
  const trainingId = randomUUID();
  const fingerprint = createHash('sha256').update(trainingId).digest('hex');
  const input = { trainingId, model, sessions: sessions ?? null, seed, startedBy: null, fingerprint };
  const outcome = await workflows.startTraining(input);
  if (outcome.kind !== 'started') throw new RefusedError('The training ended before it began.');
  if (outcome.answer.kind === 'already_running') {
    throw new RefusedError(`A training of ${model} is under way: follow it with --last, or end it with --cancel.`);
  }
  console.log(`Training ${trainingId} of ${model}, seed ${seed}`);
  return trainingId;
}

/** Shows a training until it has ended. */
async function follow(id: string, { database }: Resources): Promise<Training> {
  const display = createProgressDisplay(process.stdout);
  for (;;) {
    const training = await findTraining(database.asService(), id);
    if (training === null) throw new RefusedError(`There is no training ${id}.`);
    display.show(training);
    if (training.state !== 'running') {
      display.end();
      return training;
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function outcomeOf(training: Training): string {
  const { model, version, state, figures, activeVersion, activeFigures, decision, reason, failure } = training;
  if (state === 'cancelled') return `The training of ${model} was cancelled.`;
  if (state !== 'completed') return `The training of ${model} failed. ${failure ?? ''}`;
  const before = activeVersion && activeFigures ? ['', `${activeVersion}, active before`, tableOf(activeFigures)] : [];
  const became = decision === 'promoted' ? 'is active now' : 'is registered and not active';
  return [
    `${model} ${version ?? ''}, on simulated sessions that no training sees`,
    tableOf(figures ?? []),
    ...before,
    '',
    `${version ?? ''} ${became}. ${reason ?? ''}`,
  ].join('\n');
}

function tableOf(figures: readonly ModelFigure[]): string {
  return figuresTable(figures.map(({ meaning, ...figure }) => ({ ...figure, chanceIs: meaning })));
}

const parsed = commandSchema.safeParse(JSON.parse(process.argv[2] ?? 'null'));
if (!parsed.success) {
  console.error(z.prettifyError(parsed.error));
  process.exit(2);
}
const config = readConfig();
const resources = openResources({ ...config, LOG_LEVEL: 'warn' }, 'train');
const connection = await connectTemporal(config);
const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE });
try {
  await run(parsed.data, resources, workflows);
} catch (error) {
  if (!(error instanceof RefusedError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await connection.close();
  await resources.close();
}
