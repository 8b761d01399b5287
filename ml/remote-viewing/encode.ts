import { z } from 'zod';
import type { SessionMetadata } from '../../domain/content.ts';
import type { RemoteViewingImpressions } from '../../domain/impressions.ts';
import { UnanalyzableError } from '../errors.ts';
import type { ModelInput } from '../model.ts';
import type { SentenceEncoder } from '../sentences/encoder.ts';
import { type NamedTensors, tensorOf } from '../tensors.ts';
import { rasterise, side, stackPictures } from './raster.ts';

const targetsSchema = z.array(
  z.object({
    id: z.string(),
    words: z.array(z.string()).default([]),
    picture: z
      .array(z.number())
      .length(side * side)
      .optional(),
  }),
);
type MatchTarget = z.infer<typeof targetsSchema>[number];

/**
 * The pool that the session is to be ranked against, if it named one; its form was checked when it came in, and its
 * images were drawn since.
 */
export function targetsOf(metadata: SessionMetadata | undefined): MatchTarget[] {
  return targetsSchema.optional().parse(metadata?.targets) ?? [];
}

/** The most phrases of a session that are read; a viewing has tens of them. */
export const maxPhrases = 1_000;

const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' });

/** The phrases of a session, each once: the words as they are, the transcript at its full stops and commas. */
export function phrasesSaid({ words = [], transcript = '' }: RemoteViewingImpressions): string[] {
  const parts = Array.from(sentences.segment(transcript), ({ segment }) => segment).flatMap((sentence) =>
    sentence.split(/[,;:，；：、\n]/u),
  );
  return readable([...words, ...parts]).slice(0, maxPhrases);
}

/** Texts with a letter of any script in them, each once. */
function readable(texts: readonly string[]): string[] {
  return [...new Set(texts.map((text) => text.normalize('NFKC').trim()).filter((text) => /\p{L}/u.test(text)))];
}

/**
 * The tensors of a session:
 * - `pictures` [sketches, side, side, 1],
 * - `phrases` [phrases, tokens], where there are any and an encoder,
 * - `targets` [pool, 2]: how many phrases and pictures each target has, only where the session names a pool,
 * - `targetPhrases` [their sum, tokens], the targets' phrases one after the other,
 * - `targetPictures` [their sum, side, side, 1], their pictures, where there are any.
 *
 * @throws UnanalyzableError when there is no word and no sketch.
 */
export function encode(
  { impressions, metadata }: ModelInput<'remote_viewing'>,
  encoder: SentenceEncoder | null,
): NamedTensors {
  const phrases = phrasesSaid(impressions);
  const pictures = (impressions.sketches ?? []).map(rasterise);
  if (phrases.length === 0 && pictures.length === 0) {
    throw new UnanalyzableError('The impressions hold no word and no sketch.');
  }
  const targets = targetsOf(metadata).map(({ words, picture }) => ({
    phrases: encoder === null ? [] : readable(words),
    pictures: picture === undefined ? [] : [Float32Array.from(picture)],
  }));
  const counts = targets.flatMap((target) => [target.phrases.length, target.pictures.length]);
  const targetPictures = targets.flatMap((target) => target.pictures);
  return {
    pictures: stackPictures(pictures),
    ...tokens(encoder, 'phrases', phrases),
    ...(targets.length > 0 ? { targets: tensorOf([targets.length, 2], counts) } : {}),
    ...tokens(
      encoder,
      'targetPhrases',
      targets.flatMap((target) => target.phrases),
    ),
    ...(targetPictures.length > 0 ? { targetPictures: stackPictures(targetPictures) } : {}),
  };
}

function tokens(encoder: SentenceEncoder | null, name: string, texts: readonly string[]): NamedTensors {
  return encoder === null || texts.length === 0 ? {} : { [name]: encoder.tokenise(texts) };
}
