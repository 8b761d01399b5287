// Measures the committed weights on real series that training never saw, and writes the figures into the card.
// node ml/precognition/real.ts

import { readFile, writeFile } from 'node:fs/promises';
import { folderOf, listBundledArtefacts, unpackArtefact } from '../artefact.ts';
import { openBackend } from '../backend.ts';
import { meanOf } from '../../domain/statistics.ts';
import { precognition } from './model.ts';
import { readRealSeries } from './realSeries.ts';
import { judgeAll, type SeriesJudgement } from './rollingOrigins.ts';

const [begin, end] = ['<!-- real series: written by node ml/precognition/real.ts -->', '<!-- end of real series -->'];

function row(name: string, judged: readonly SeriesJudgement[]): string {
  const mean = (of: (one: SeriesJudgement) => number) => meanOf(judged.map(of)).toFixed(2);
  const cells = [
    name,
    mean(({ error, seasonalError }) => error / seasonalError),
    mean(({ error, foundError }) => error / foundError),
    mean(({ error, lastError }) => error / lastError),
    mean(({ cover }) => cover),
  ];
  return `| ${cells.join(' | ')} |`;
}

const runtime = await openBackend();
const artefact = (await listBundledArtefacts()).find(({ name }) => name === precognition.sessionType);
if (artefact === undefined) throw new Error('There is no artefact of this model');
const predict = precognition.load(runtime, unpackArtefact(artefact.bytes).weights);
const { judged } = await judgeAll(await readRealSeries(), runtime, predict);
const tables = Map.groupBy(judged, ({ table }) => table);
const lines = [
  '| series | error / seasonal naive | error / naive of the season found | error / last value | cover |',
  '| --- | --- | --- | --- | --- |',
  row(`**all ${judged.length}**`, judged),
  ...[...tables].flatMap(([table, ofTable]) => [
    row(`**${table}**, mean of ${ofTable.length}`, ofTable),
    ...ofTable.map((one) => row(`${one.name} (${one.origins} × ${one.horizon} steps)`, [one])),
  ]),
];
const made = `Version ${artefact.version} on the backend \`${runtime.backend}\`. Baselines: 1, 1 and 1; the cover claimed is 0.80.`;
const file = new URL('card.md', folderOf(precognition.sessionType));
const card = await readFile(file, 'utf8');
const [before = '', rest = ''] = card.split(begin);
const after = rest.split(end)[1] ?? '';
await writeFile(file, `${before}${begin}\n\n${made}\n\n${lines.join('\n')}\n\n${end}${after}`);
console.log(lines.slice(0, 3).join('\n'));
