import { Command } from 'commander';
import { backupCommand } from './backup.ts';
import { bulkCommand } from './bulk.ts';
import { cancelCommand } from './cancel.ts';
import { explainCommand } from './explain.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { queuesCommand } from './queues.ts';
import { rampCommand } from './ramp.ts';
import { replayCommand } from './replay.ts';
import { restoreCommand } from './restore.ts';
import { resetCommand } from './reset.ts';
import { retryCommand } from './retry.ts';
import { skipCommand } from './skip.ts';
import { stuckCommand } from './stuck.ts';
import { versionsCommand } from './versions.ts';
import { workersCommand } from './workers.ts';

/** The operator's command line (`npx mindpeeker ops`); one file a command, in the order in which help lists them. */

const program = new Command('mindpeeker ops')
  .description('What an operator needs at night: what is stuck, why, and what is safe to press.')
  .showHelpAfterError();
const commands = [
  stuckCommand,
  explainCommand,
  retryCommand,
  pauseCommand,
  resumeCommand,
  resetCommand,
  skipCommand,
  cancelCommand,
  bulkCommand,
  queuesCommand,
  workersCommand,
  replayCommand,
  backupCommand,
  restoreCommand,
  versionsCommand,
  rampCommand,
];
for (const register of commands) register(program);
await program.parseAsync();
