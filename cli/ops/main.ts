import { Command } from 'commander';
import { pauseCommand, resumeCommand } from './pause.ts';
import { queuesCommand } from './queues.ts';
import { replayCommand } from './replay.ts';
import { workersCommand } from './workers.ts';

/** The operator's command line (`npx mindpeeker ops`); one file a command, in the order in which help lists them. */

const program = new Command('mindpeeker ops')
  .description('What an operator needs at night: what is stuck, why, and what is safe to press.')
  .showHelpAfterError();
for (const register of [queuesCommand, workersCommand, pauseCommand, resumeCommand, replayCommand]) register(program);
await program.parseAsync();
