import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runChild } from './children.mjs';
import { checkoutDir, pinnedNode } from './paths.mjs';

/** A download that takes longer than this is slower than the build that follows when it fails. */
const limitMs = 45_000;

/** Starting a server for tests is the SDK's only way to say "download"; the folder and the version come as arguments. */
const script = `
  import { TestWorkflowEnvironment } from '@temporalio/testing';
  const [downloadDir, version] = process.argv.slice(1);
  const executable = { type: 'cached-download', version, downloadDir };
  await (await TestWorkflowEnvironment.createLocal({ server: { executable } })).teardown();
`;

/**
 * Lets Temporal's SDK download the program, for machines that have the internet and no Go. Where there is none it
 * fails at once.
 * @param {string} target where the program is put
 * @param {string} version
 * @param {string} logFile
 * @returns {Promise<boolean>} whether it is there
 */
export async function downloadBySdk(target, version, logFile) {
  const beside = `${dirname(target)}.download-${process.pid}`;
  mkdirSync(beside, { recursive: true });
  try {
    const { code } = await runChild(pinnedNode, ['--input-type=module', '--eval', script, beside, `v${version}`], {
      cwd: checkoutDir,
      logFile,
      timeoutMs: limitMs,
    });
    const [program] = readdirSync(beside).filter(
      (file) => file.startsWith('temporal') && statSync(join(beside, file)).isFile(),
    );
    if (code !== 0 || program === undefined) return false;
    mkdirSync(dirname(target), { recursive: true });
    chmodSync(join(beside, program), 0o755);
    renameSync(join(beside, program), target);
    return true;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
