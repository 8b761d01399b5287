// Makes a model again: simulates sessions from a seed, trains, measures on other seeds, and writes artefact and card.
// npm run train -- <model> [--sessions N] [--seed S] [--dry-run]

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Artefact, folderOf, packArtefact } from './artefact.ts';
import { openBackend } from './backend.ts';
import { figuresTable, updateCard } from './card.ts';
import type { Trainer } from './model.ts';
import { evaluationSeedOffset, evaluationSessions, trainerNamed, trainers } from './trainers.ts';

interface TrainingRun {
  trainer: Trainer;
  sessions: number;
  seed: number;
  /** Nothing is written: what is committed stays. */
  dryRun: boolean;
}

async function trainModel({ trainer, sessions, seed, dryRun }: TrainingRun): Promise<void> {
  const { tf, backend } = await openBackend();
  const started = performance.now();
  const progress = (line: string) => {
    console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  };
  progress(`${trainer.sessionType} ${trainer.version} on ${backend}: ${sessions} simulated sessions, seed ${seed}`);
  const weights = await trainer.train({ tf, seed, sessions, progress });
  progress('measuring on sessions of other seeds');
  const figures = await trainer.evaluate({
    tf,
    weights,
    seed: seed + evaluationSeedOffset,
    sessions: evaluationSessions,
  });
  const { sessionType: name, version } = trainer;
  const artefact: Artefact = {
    name,
    version,
    created: new Date().toISOString(),
    seed,
    sessions,
    figures,
    profile: {},
    weights,
  };
  console.log(`\n${figuresTable(figures)}\n`);
  if (dryRun) return;
  const bytes = packArtefact(artefact);
  await writeFile(new URL(`artefact/${version}.bin`, folderOf(name)), bytes);
  await updateCard(artefact, backend);
  progress(`artefact written: ${(bytes.length / 1024).toFixed(0)} KB`);
}

function readCommand(): TrainingRun | string {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sessions: { type: 'string' }, seed: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  });
  const trainer = trainerNamed(positionals[0]);
  if (trainer === undefined) {
    const names = Object.keys(trainers).map((name) => name.replaceAll('_', '-'));
    return `Name the model to train: ${names.join(', ')}.`;
  }
  const sessions = Number(values.sessions ?? trainer.defaultSessions);
  const seed = Number(values.seed ?? 1);
  if (!Number.isInteger(sessions) || sessions < 100) return '--sessions must be a whole number of at least 100.';
  if (!Number.isInteger(seed) || seed < 0) return '--seed must be a whole number from 0.';
  return { trainer, sessions, seed, dryRun: values['dry-run'] ?? false };
}

const command = readCommand();
if (typeof command === 'string') {
  console.error(command);
  process.exitCode = 2;
} else {
  await trainModel(command);
}
