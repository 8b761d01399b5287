#!/usr/bin/env node
import { runChild } from '../stack/children.mjs';
import { environmentBesideStarted } from '../stack/environment.mjs';
import { holderOf } from '../stack/locks.mjs';
import { checkoutDir, pinnedNode, startLock } from '../stack/paths.mjs';
import { Problem } from '../stack/problem.mjs';
import { createTerminal } from '../stack/terminal.mjs';

/**
 * `npx mindpeeker ops …`: the operator's command line. It works on the platform that the environment names (config.ts),
 * or else on the one that `npm start` keeps up in this checkout. What the commands do is in cli/ops/.
 */
const usage = `npx mindpeeker ops <command>

  npx mindpeeker ops --help lists the commands.`;

/** @returns {NodeJS.ProcessEnv} */
function environment() {
  const { env } = process;
  if (env.DATABASE_URL && env.TEMPORAL_ADDRESS) return env;
  if (!holderOf(startLock)) {
    throw new Problem(
      'No platform runs in this checkout, and the environment names none.',
      'npm start, or set DATABASE_URL, TEMPORAL_ADDRESS and the rest of config.ts',
    );
  }
  return environmentBesideStarted();
}

try {
  const [area, ...args] = process.argv.slice(2);
  if (area !== 'ops') {
    console.log(`\n${usage}\n`);
    process.exitCode = area === undefined || area === '--help' ? 0 : 1;
  } else {
    // Ctrl-C is for the command, which says how it ended; we wait for its last words.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
    const help = args.length === 0 || args.includes('--help') || args.includes('-h') || args[0] === 'help';
    const { code } = await runChild(pinnedNode, ['cli/ops/main.ts', ...args], {
      cwd: checkoutDir,
      env: help ? process.env : environment(),
      inherit: true,
    });
    process.exitCode = code ?? 1;
  }
} catch (error) {
  if (error instanceof Problem) createTerminal().problem(error.message, error.help);
  else console.error(error);
  process.exitCode = 1;
}
process.exit();
