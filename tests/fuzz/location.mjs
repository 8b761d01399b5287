import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../ml/fetch/cache.mjs';

/** Schemathesis and all that it needs, each at one version and by its checksums. */
export const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** Where Schemathesis lies once it is installed: a folder that Python is pointed to. */
export function schemathesisFolder() {
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8);
  return cacheFolder(`schemathesis-${version}`);
}
