/**
 * What every part of the stack is to the rest: a program with its data, its ports, a check and what it gives our processes.
 * @typedef {object} Part
 * @property {PartName} name its key in `stack.json` and the name of its log
 * @property {string} title as people read it
 * @property {string[]} replacedBy environment variables; when one is set, nothing local is started for this part
 * @property {string[]} [neededThen] further variables that must be set when it is replaced
 * @property {Record<string, number>} ports the ports it prefers, by role; `main` is the one it is reached at
 * @property {NodeJS.Signals} [stopSignal] SIGTERM unless given
 * @property {(setup: Setup) => Promise<Binary>} findBinary finds or installs its program
 * @property {(home: Home, binary: Binary) => Promise<Launch>} prepare makes its data folder and says how to start it
 * @property {(home: Home) => Promise<boolean>} isReady
 * @property {(home: Home) => Record<string, string>} environment what our processes read to reach it
 * @property {(homeDir: string) => string | null} dataDir
 *
 * @typedef {'postgres' | 'redis' | 'temporal' | 's3' | 'stripe' | 'mail'} PartName
 * @typedef {{step: import('../terminal.mjs').Step, logFile: string}} Setup
 * @typedef {{path: string, version: string}} Binary
 *
 * @typedef {object} Home where one instance of a part lives
 * @property {string} dir of the whole stack
 * @property {Record<string, number>} ports
 * @property {import('../secrets.mjs').Secrets} secrets
 *
 * @typedef {object} Launch
 * @property {string} command
 * @property {string[]} args
 * @property {Record<string, string>} [env] beside our own environment
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {string} [cwd]
 */

/**
 * @param {Home} home
 * @param {string} role
 */
export function portOf(home, role) {
  const port = home.ports[role];
  if (port === undefined) throw new Error(`no port was chosen for ${role}`);
  return port;
}

/**
 * Whether a URL answers with a status that the caller accepts.
 * @param {string} url
 * @param {(status: number) => boolean} [accepts]
 */
export async function urlAnswers(url, accepts = (status) => status === 200) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return accepts(response.status);
  } catch {
    return false;
  }
}
