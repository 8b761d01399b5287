import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, replaceFile } from './files.mjs';
import { isAlive } from './processes.mjs';

/**
 * A process that the stack keeps.
 * @typedef {object} ProcessRecord
 * @property {number} pid
 * @property {string} birth with the pid it proves that the process is still the same
 * @property {Owner} owner whose end ends it too
 * @property {string} since ISO 8601
 * @property {string} version '' where it has none
 * @property {Record<string, number>} ports
 * @property {string} logFile
 *
 * @typedef {'start' | 'stack' | 'test' | 'bench'} Owner
 * @typedef {import('./parts/part.mjs').PartName | 'api' | 'workerCpu' | 'workerGpu'} ProcessName
 *
 * @typedef {object} Addresses what a client of the stack needs; null where a part has none
 * @property {string | null} apiUrl
 * @property {string | null} temporalAddress
 * @property {string | null} temporalUiUrl
 * @property {string | null} databaseUrl
 * @property {string | null} redisUrl
 * @property {string | null} s3Endpoint
 * @property {string | null} stripeUrl
 * @property {string | null} mailUrl
 */

/** @type {Addresses} */
const nowhere = {
  apiUrl: null,
  temporalAddress: null,
  temporalUiUrl: null,
  databaseUrl: null,
  redisUrl: null,
  s3Endpoint: null,
  stripeUrl: null,
  mailUrl: null,
};

/**
 * `stack.json`: where everything is and which process is which, true at every moment. It holds the database's password,
 * so only its owner may read it. One process at a time writes it: whoever holds the lock of the home folder.
 */
export class StackRecord {
  /** @type {Addresses} */
  addresses = { ...nowhere };
  /** @type {Partial<Record<ProcessName, ProcessRecord>>} */
  processes = {};
  #path;

  /** @param {string} homeDir */
  constructor(homeDir) {
    mkdirSync(homeDir, { recursive: true });
    this.#path = join(homeDir, 'stack.json');
    const found = /** @type {Partial<Addresses> & {processes?: StackRecord['processes']}} */ (
      readJson(this.#path) ?? {}
    );
    const names = /** @type {(keyof Addresses)[]} */ (Object.keys(nowhere));
    for (const name of names) this.addresses[name] = found[name] ?? null;
    this.processes = found.processes ?? {};
  }

  /**
   * The record of a process that is still there.
   * @param {ProcessName} name
   */
  live(name) {
    const record = this.processes[name];
    return record && isAlive(record) ? record : null;
  }

  /** @param {Partial<Addresses>} addresses */
  setAddresses(addresses) {
    this.addresses = { ...this.addresses, ...addresses };
    this.#write();
  }

  /**
   * @param {ProcessName} name
   * @param {ProcessRecord | null} record null when it was stopped
   */
  setProcess(name, record) {
    if (record) this.processes[name] = record;
    else delete this.processes[name];
    this.#write();
  }

  #write() {
    const names = /** @type {ProcessName[]} */ (Object.keys(this.processes));
    if (names.length === 0) {
      rmSync(this.#path, { force: true });
      return;
    }
    const pids = Object.fromEntries(names.map((name) => [name, this.processes[name]?.pid]));
    replaceFile(this.#path, `${JSON.stringify({ ...this.addresses, pids, processes: this.processes }, null, 2)}\n`);
  }
}
