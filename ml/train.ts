// Makes a model again: simulates sessions from a seed, trains, measures on the frozen test set, and writes artefact and card.
// npm run train -- <model> [--sessions N] [--seed S] [--dry-run]

import { readdir, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { SessionType } from '../domain/session.ts';
import { highestSeed } from '../domain/trainings.ts';
import { folderOf, packArtefact } from './artefact.ts';
import { openBackend } from './backend.ts';
import { figuresTable, updateCard } from './card.ts';
import { makeModel } from './training/make.ts';
import type { Recipe } from './training/recipe.ts';
import { recipeNamed, recipes } from './training/recipes.ts';

interface TrainingRun {
  recipe: Recipe<SessionType>;
  sessions: number;
  seed: number;
  /** Nothing is written: what is committed stays. */
  dryRun: boolean;
}

async function trainModel({ recipe, sessions, seed, dryRun }: TrainingRun): Promise<void> {
  const runtime = await openBackend();
  const started = performance.now();
  const progress = (line: string) => {
    console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  };
  const { sessionType } = recipe.model;
  progress(`${sessionType} ${recipe.version} on ${runtime.backend}: ${sessions} simulated sessions, seed ${seed}`);
  const artefact = await makeModel({ runtime, recipe, sessions, seed, progress });
  console.log(`\n${figuresTable(artefact.figures)}\n`);
  if (dryRun) return;
  const folder = new URL('artefact/', folderOf(sessionType));
  for (const older of await readdir(folder)) await rm(new URL(older, folder));
  const bytes = packArtefact(artefact);
  await writeFile(new URL(`${artefact.version}.bin`, folder), bytes);
  await updateCard(artefact, runtime.backend);
  progress(`artefact written: ${(bytes.length / 1024).toFixed(0)} KB`);
}

function readCommand(): TrainingRun | string {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sessions: { type: 'string' }, seed: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  });
  const recipe = recipeNamed(positionals[0]);
  if (recipe === undefined) {
    const names = Object.keys(recipes).map((name) => name.replaceAll('_', '-'));
    return `Name the model to train: ${names.join(', ')}.`;
  }
  const sessions = Number(values.sessions ?? recipe.specifiedSessions);
  const seed = Number(values.seed ?? 1);
  if (!Number.isInteger(sessions) || sessions < 100) return '--sessions must be a whole number of at least 100.';
  if (!Number.isInteger(seed) || seed < 0 || seed > highestSeed) {
    return `--seed must be a whole number from 0 to ${highestSeed}.`;
  }
  return { recipe, sessions, seed, dryRun: values['dry-run'] ?? false };
}

const command = readCommand();
if (typeof command === 'string') {
  console.error(command);
  process.exitCode = 2;
} else {
  await trainModel(command);
}
