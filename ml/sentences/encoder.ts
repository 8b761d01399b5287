import type { NamedTensor } from '../tensors.ts';

/** A frozen sentence encoder: texts that mean alike lie near each other. */
export interface SentenceEncoder {
  /** How many numbers a vector has. */
  readonly dimensions: number;
  /** Texts to the ids of their tokens [texts, tokens], shorter ones padded with -1. */
  tokenise(texts: readonly string[]): NamedTensor;
  /** Tokens [texts, tokens] to vectors of length 1 [texts, dimensions]. */
  embed(tokens: NamedTensor): Promise<NamedTensor>;
}
