// Installs Schemathesis from the package registry, beside whatever else Python has: into a folder of its own.
// Plain Node, as `npm test` runs it before the tests. Where it cannot be done, one sentence says why.

import { makeOnce, run } from '../../ml/fetch/make.mjs';
import { requirements, schemathesisFolder } from './location.mjs';

makeOnce({
  command: 'fuzz',
  title: 'Schemathesis',
  target: schemathesisFolder(),
  otherwise: 'the test that needs it will fail',
  make(folder, say) {
    run('python3', ['-m', 'pip', '--version'], {
      cwd: folder,
      otherwise: 'there is no pip (Debian: apt-get install python3-pip)',
    });
    say('downloading Schemathesis with pip');
    const careful = ['--quiet', '--require-hashes', '--only-binary=:all:', '--timeout=20', '--retries=2'];
    run('python3', ['-m', 'pip', 'install', ...careful, `--requirement=${requirements}`, `--target=${folder}`], {
      cwd: folder,
      otherwise: 'pip could not install it (it needs Python 3.11 or later)',
    });
  },
});
