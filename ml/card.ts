import { readFile, writeFile } from 'node:fs/promises';
import { folderOf } from './artefact.ts';
import type { Artefact } from './artefact.ts';
import { at } from './sequence.ts';
import type { Figure } from './model.ts';

const [begin, end] = ['<!-- figures: written by npm run train -->', '<!-- end of figures -->'];

/** Figures as a table, each beside what chance or the baseline gives; the same on the terminal and in the card. */
export function figuresTable(figures: readonly Figure[]): string {
  const header = ['figure', 'model', 'chance or baseline', 'which is'];
  const rows = figures.map(({ name, value, chance, chanceIs }) => [
    name,
    value.toFixed(3),
    chance.toFixed(3),
    chanceIs,
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(at(widths, i))).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Writes what a training measured into the model's card, between its two marks. */
export async function updateCard(artefact: Artefact, backend: string): Promise<void> {
  const file = new URL('card.md', folderOf(artefact.name));
  const card = await readFile(file, 'utf8');
  const before = card.split(begin)[0] ?? '';
  const after = card.split(end)[1] ?? '';
  const command = `npm run train -- ${artefact.name.replaceAll('_', '-')} --sessions ${artefact.sessions} --seed ${artefact.seed}`;
  const made = `Version ${artefact.version}, made by \`${command}\` on the backend \`${backend}\`; measured on simulated sessions of seeds that training never saw.`;
  await writeFile(file, `${before}${begin}\n\n${made}\n\n${figuresTable(artefact.figures)}\n\n${end}${after}`);
}
