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

/** The model's card with what a training measured between its two marks. */
export async function cardOf(artefact: Artefact, backend: string): Promise<string> {
  const card = await readFile(cardFile(artefact), 'utf8');
  const before = card.split(begin)[0] ?? '';
  const after = card.split(end)[1] ?? '';
  const command = `npm run train -- ${artefact.name.replaceAll('_', '-')} --sessions ${artefact.sessions} --seed ${artefact.seed}`;
  const made = `Version ${artefact.version}, made by \`${command}\` on the backend \`${backend}\`; measured on simulated sessions of seeds that training never saw.`;
  return `${before}${begin}\n\n${made}\n\n${figuresTable(artefact.figures)}\n\n${end}${after}`;
}

/** Writes what a training measured into the model's card. */
export async function updateCard(artefact: Artefact, backend: string): Promise<void> {
  await writeFile(cardFile(artefact), await cardOf(artefact, backend));
}

function cardFile({ name }: Artefact): URL {
  return new URL('card.md', folderOf(name));
}
