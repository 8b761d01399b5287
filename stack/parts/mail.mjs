import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinnedNode } from '../paths.mjs';
import { portOf, urlAnswers } from './part.mjs';

/** @param {string} homeDir */
const dataDir = (homeDir) => join(homeDir, 'mail');

/**
 * Where mail goes that is sent here: it speaks SendGrid's call, delivers nothing and shows what it was given.
 * @type {import('./part.mjs').Part}
 */
export const mail = {
  name: 'mail',
  title: 'Mail',
  replacedBy: ['SENDGRID_API_KEY'],
  ports: { main: 8025 },
  dataDir,

  findBinary: async () => ({ path: existsSync(pinnedNode) ? pinnedNode : process.execPath, version: '' }),

  async prepare(home, binary) {
    const folder = dataDir(home.dir);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return {
      command: binary.path,
      args: [fileURLToPath(new URL('../mail/server.mjs', import.meta.url)), String(portOf(home, 'main')), folder],
      env: { SENDGRID_API_KEY: home.secrets.sendgridApiKey },
    };
  },

  isReady: (home) => urlAnswers(`http://127.0.0.1:${portOf(home, 'main')}/healthz`),

  environment: (home) => ({
    SENDGRID_API_KEY: home.secrets.sendgridApiKey,
    SENDGRID_API_BASE: `http://127.0.0.1:${portOf(home, 'main')}`,
  }),
};
