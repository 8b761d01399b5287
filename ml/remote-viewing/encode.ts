import { z } from 'zod';
import type { RemoteViewingImpressions, SessionMetadata } from '../../domain/impressions.ts';
import { type NamedTensors, tensorOf } from '../tensors.ts';
import { baseForm, type Tag, tagNames, tagsOf, tokenise } from './lexicon.ts';
import { extraFacts, factCount } from './network.ts';
import { rasterise, side } from './raster.ts';

const targetsSchema = z.array(z.object({ id: z.string(), words: z.array(z.string()) }));
export type MatchTarget = z.infer<typeof targetsSchema>[number];

/** The pool that the session is to be ranked against, if it named one; its form was checked when it came in. */
export function targetsOf(metadata: SessionMetadata | undefined): MatchTarget[] {
  return targetsSchema.optional().parse(metadata?.targets) ?? [];
}

/** All the words of a session, in the form that they are compared in: the base form where it is known. */
export function wordsSaid({ words = [], transcript = '' }: RemoteViewingImpressions): string[] {
  return comparable([...words, transcript]);
}

function comparable(texts: readonly string[]): string[] {
  return texts.flatMap(tokenise).map((word) => baseForm(word) ?? word);
}

/** How often each tag was pointed to. */
function tagCounts(bases: readonly string[]): number[] {
  const counts = new Map<Tag, number>();
  for (const base of bases) for (const tag of tagsOf(base)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return tagNames.map((tag) => counts.get(tag) ?? 0);
}

/** Which of the words the lexicon knows. */
export function knownOf(bases: readonly string[]): string[] {
  return bases.filter((base) => tagsOf(base).size > 0);
}

/**
 * The tensors of a session:
 * - `pictures` [sketches or 1, side, side, 1]; an empty picture stands for no sketch,
 * - `facts` [1, factCount]: the share of known words that point to each tag, then the extra facts,
 * - `targets` [pool, tags + 1], only where the session names a pool.
 */
export function encode(impressions: RemoteViewingImpressions, targets: readonly MatchTarget[]): NamedTensors {
  const said = wordsSaid(impressions);
  const known = knownOf(said);
  const shares = tagCounts(known).map((count) => count / Math.max(1, known.length));
  const { sketches = [] } = impressions;
  const pictures = sketches.length > 0 ? sketches.map(rasterise) : [new Float32Array(side * side)];
  const extra = [Math.log1p(known.length) / 3, known.length > 0 ? 1 : 0, sketches.length > 0 ? 1 : 0];
  const tensors = {
    pictures: tensorOf(
      [pictures.length, side, side, 1],
      pictures.flatMap((picture) => Array.from(picture)),
    ),
    facts: tensorOf([1, factCount], [...shares, ...extra.slice(0, extraFacts)]),
  };
  if (targets.length === 0) return tensors;
  const rows = targets.flatMap(({ words }) => describeTarget(words, new Set(said)));
  return { ...tensors, targets: tensorOf([targets.length, tagNames.length + 1], rows) };
}

/** A target's tags (by share of its words) and the share of words in common with the session (Dice). */
function describeTarget(words: readonly string[], said: ReadonlySet<string>): number[] {
  const bases = new Set(comparable(words));
  const shared = [...bases].filter((base) => said.has(base)).length;
  const known = knownOf([...bases]);
  const shares = tagCounts(known).map((count) => count / Math.max(1, known.length));
  return [...shares, (2 * shared) / Math.max(1, bases.size + said.size)];
}
