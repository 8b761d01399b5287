import { parseArgs } from 'node:util';
import { runChild } from './children.mjs';
import { environmentBesideStarted } from './environment.mjs';
import { holderOf } from './locks.mjs';
import { checkoutDir, pinnedNode, startLock } from './paths.mjs';
import { Platform } from './platform.mjs';
import { Problem } from './problem.mjs';
import { createTerminal } from './terminal.mjs';

/**
 * `npm run train -- <model>`: has a model trained by the platform that `npm start` keeps up in this checkout, or by one
 * that is brought up for it and taken down after it. What it does with the platform is in cli/train.ts.
 */
const usage = `npm run train -- <model> [--sessions N] [--seed S] [--publish]
npm run train -- <model> --last [--publish]
npm run train -- <model> --cancel

  Trains a model on simulated sessions and shows how it goes. The new version analyzes
  sessions if it beats the active one on the frozen test set. Ctrl-C leaves the training.

  <model>       remote-viewing, dowsing, precognition or intuitive-analysis
  --sessions N  as many as the model's recipe specifies unless given
  --seed S      1 unless given; the same seed makes the same model
  --publish     writes artefact and card into ml/<model>/, as the version of its recipe
  --last        shows the newest training of the model instead of starting one
  --cancel      cancels the training of the model that is under way`;

const models = ['remote_viewing', 'dowsing', 'precognition', 'intuitive_analysis'];
const terminal = createTerminal();

/** What is asked for, as cli/train.ts takes it; null for a question about how to ask. */
function readCommand() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        sessions: { type: 'string' },
        seed: { type: 'string' },
        publish: { type: 'boolean' },
        last: { type: 'boolean' },
        cancel: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return null;
    const model = positionals[0]?.replaceAll('-', '_') ?? '';
    if (positionals.length !== 1 || !models.includes(model)) throw new Error('Name one of the four models');
    const { sessions, seed, publish = false, last = false, cancel = false } = values;
    if ([sessions, seed].some((number) => number !== undefined && !/^\d+$/.test(number))) {
      throw new Error('--sessions and --seed are whole numbers');
    }
    return {
      model,
      ...(sessions === undefined ? {} : { sessions: Number(sessions) }),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      publish,
      action: cancel ? 'cancel' : last ? 'last' : 'start',
    };
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error);
    throw new Problem(message, 'npm run train -- --help');
  }
}

/**
 * @param {object} command
 * @param {NodeJS.ProcessEnv} env
 */
const train = (command, env) =>
  runChild(pinnedNode, ['cli/train.ts', JSON.stringify(command)], { cwd: checkoutDir, env, inherit: true });

/** @param {object} command */
async function onRunningPlatform(command) {
  // Ctrl-C is for the command that shows the training; we wait for its last words.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  const { code } = await train(command, environmentBesideStarted());
  return code;
}

/** @param {object} command */
async function onPlatformOfOurOwn(command) {
  const platform = new Platform('npm run train', terminal);
  return platform.run(async (env) => {
    terminal.line();
    const { code } = await train(command, env);
    if (platform.signal.aborted) {
      terminal.note('The platform was brought up for this training and stops with it. The training goes on from its');
      terminal.note('newest checkpoint as soon as the platform is up again: npm start, or this command with --last.');
    }
    return code;
  });
}

try {
  const command = readCommand();
  if (command === null) terminal.line(`\n${usage}\n`);
  else process.exitCode = await (holderOf(startLock) ? onRunningPlatform(command) : onPlatformOfOurOwn(command));
} catch (error) {
  if (error instanceof Problem) terminal.problem(error.message, error.help);
  else console.error(error);
  process.exitCode = 1;
}
process.exit();
