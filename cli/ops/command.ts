import { hostname, userInfo } from 'node:os';
import type { Connection } from '@temporalio/client';
import { ConfigError, readConfig } from '../../config.ts';
import type { Actor } from '../../domain/operations.ts';
import { openResources, type Resources } from '../../resources.ts';
import { createWorkflowClient, type WorkflowClient } from '../../temporal/client.ts';
import { connectTemporal } from '../../temporal/connection.ts';

/** What a command of an operator works with. */
export interface Operations {
  resources: Resources;
  connection: Connection;
  workflows: WorkflowClient;
  /** Whoever runs the command. */
  by: Actor;
}

/** What a command has to say: to a program, and to a person. */
export interface Answer {
  /** What `--json` prints. */
  json: unknown;
  /** What a person reads. */
  text: string;
}

/** Thrown when what was asked for cannot be done; the message says why and what can. The exit code is 1. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Tells a person what is under way; a program that reads the answer is not to be disturbed. */
export function progressOf({ json = false }: { json?: boolean }): (what: string) => void {
  return (what) => {
    if (!json) console.error(what);
  };
}

/** A session's id as it is written everywhere. @throws RefusedError when it is none */
export function sessionIdOf(given: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(given)) throw new RefusedError(`"${given}" is no session id.`);
  return given.toLowerCase();
}

/**
 * Runs one command: opens the platform, prints the answer, closes everything. The exit code is 0 only when the command
 * did what it says.
 */
export async function answer(
  options: { json?: boolean },
  work: (operations: Operations) => Promise<Answer>,
): Promise<void> {
  try {
    await withPlatform(async (operations) => {
      const { json, text } = await work(operations);
      console.log(options.json ? JSON.stringify(json, null, 2) : text);
    });
  } catch (error) {
    process.exitCode = 1;
    if (!(error instanceof RefusedError) && !(error instanceof ConfigError)) console.error(error);
    else if (options.json) console.log(JSON.stringify({ error: error.message }, null, 2));
    else console.error(error.message);
  }
}

/** Opens the platform that the environment names, and closes it after the work. @throws ConfigError */
async function withPlatform(work: (operations: Operations) => Promise<void>): Promise<void> {
  const config = readConfig();
  const resources = openResources({ ...config, LOG_LEVEL: 'error' }, 'ops');
  const by = { command: `${userInfo().username}@${hostname()}` };
  try {
    const connection = await connectTemporal(config);
    try {
      const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE });
      await work({ resources, connection, workflows, by });
    } finally {
      await connection.close();
    }
  } finally {
    await resources.close();
  }
}
