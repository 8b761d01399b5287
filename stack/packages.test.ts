import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { packagesMatch } from './packages.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mindpeeker-packages-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, value: unknown) => {
  writeFileSync(join(folder, path), JSON.stringify(value));
};
const locked = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/other-system': { version: '1.0.0', integrity: 'sha512-o', optional: true },
};

/** A checkout whose packages are those of the lock file. */
function install() {
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  write('node_modules/.bin/node', '');
  mkdirSync(join(folder, 'node_modules', 'a'), { recursive: true });
  write('node_modules/a/package.json', { version: '1.0.0' });
  write('package-lock.json', { packages: locked });
  write('node_modules/.package-lock.json', { packages: { 'node_modules/a': locked['node_modules/a'] } });
}

describe('npm ci is left out', () => {
  test('when npm itself says that every package of the lock file is there', () => {
    install();
    expect(packagesMatch(folder)).toBe(true);
  });

  test('but not on a fresh clone', () => {
    write('package-lock.json', { packages: locked });
    expect(packagesMatch(folder)).toBe(false);
  });

  test('but not after the lock file has changed', () => {
    install();
    expect(packagesMatch(folder)).toBe(true);
    write('package-lock.json', {
      packages: { ...locked, 'node_modules/a': { version: '1.0.1', integrity: 'sha512-b' } },
    });
    expect(packagesMatch(folder)).toBe(false);
  });

  test('but not when a package is missing', () => {
    install();
    write('package-lock.json', {
      packages: { ...locked, 'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' } },
    });
    expect(packagesMatch(folder)).toBe(false);
  });

  test('but not when npm lists a package that does not lie there', () => {
    install();
    rmSync(join(folder, 'node_modules', 'a'), { recursive: true });
    expect(packagesMatch(folder)).toBe(false);
  });

  test('and a clone without a lock file is told how to get one', () => {
    install();
    rmSync(join(folder, 'package-lock.json'));
    expect(() => packagesMatch(folder)).toThrow('package-lock.json is missing');
  });
});
