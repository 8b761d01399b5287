import type { Command } from 'commander';
import { lastSearch, listForOperators, type OperatorsRow } from '../../db/stuckSessions.ts';
import { stuckReasonMeanings, stuckReasons } from '../../domain/stuck.ts';
import { findStuckSessions } from '../../operations/stuck.ts';
import { answer, RefusedError } from './command.ts';
import { ageInWords } from './words.ts';

interface Options {
  json?: boolean;
  search?: boolean;
  reason?: string;
  limit: string;
}

/** `stuck`: which sessions are stuck, and why. */
export function stuckCommand(program: Command): void {
  program
    .command('stuck')
    .description('which sessions are stuck, and why')
    .option('--search', 'look at every open session now, instead of waiting for the search of each minute')
    .option('--reason <reason>', `only these: ${stuckReasons.join(', ')}`)
    .option('--limit <n>', 'how many are shown', '50')
    .option('--json', 'for a program to read')
    .action((options: Options) =>
      answer(options, async ({ resources, workflows }) => {
        const reasons = reasonsOf(options.reason);
        if (options.search) await findStuckSessions({ ...resources, workflows });
        const em = resources.database.asService();
        const { rows, next } = await listForOperators(em, { stuck: true, reasons, limit: Number(options.limit) });
        const search = await lastSearch(em);
        const searchedAt = search?.finishedAt.toISOString() ?? null;
        return {
          json: { sessions: rows, more: next !== null, searchedAt },
          text: textOf(rows, next !== null, searchedAt),
        };
      }),
    );
}

function reasonsOf(given: string | undefined) {
  if (given === undefined) return undefined;
  const reason = stuckReasons.find((known) => known === given);
  if (reason === undefined)
    throw new RefusedError(`There is no reason "${given}"; there are ${stuckReasons.join(', ')}.`);
  return [reason];
}

function textOf(rows: readonly OperatorsRow[], more: boolean, searchedAt: string | null): string {
  const searched = searchedAt === null ? 'nobody has searched yet' : `searched ${ageInWords(searchedAt)} ago`;
  if (rows.length === 0) return `No session is stuck (${searched}).`;
  const lines = [...Map.groupBy(rows, ({ stuck }) => stuck?.reason ?? 'gave_up')].flatMap(([reason, stuck]) => [
    '',
    `${reason}: ${stuckReasonMeanings[reason]}`,
    ...stuck.map(lineOf),
  ]);
  const count = `${rows.length}${more ? ' and more' : ''} stuck (${searched})`;
  return [count, ...lines, '', 'npx mindpeeker ops explain <id> says why, and what is safe to press.'].join('\n');
}

function lineOf({ id, sessionType, tier, status, stuck }: OperatorsRow): string {
  const what = [stuck?.step ?? status, stuck?.code, stuck?.attempts ? `attempt ${stuck.attempts}` : null];
  const since = stuck === null ? '' : ageInWords(stuck.since);
  return `  ${id}  ${sessionType.padEnd(18)} ${tier.padEnd(12)} ${since.padEnd(6)} ${what.filter(Boolean).join(' · ')}`;
}
