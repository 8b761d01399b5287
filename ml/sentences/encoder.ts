import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { at } from '../sequence.ts';
import { compute, entry, type LiveTensors, type NamedTensor, rowsOf, type Tf, toLive } from '../tensors.ts';
import { dimensions, embedTokens, maxTokens, padding } from './bert.ts';
import { sentencesFolder } from './location.mjs';
import { readSafetensors } from './safetensors.ts';

/** A frozen sentence encoder: texts that mean alike lie near each other. */
export interface SentenceEncoder {
  /** How many numbers a vector has. */
  readonly dimensions: number;
  /** Texts to the ids of their tokens [texts, tokens], shorter ones padded with -1. */
  tokenise(texts: readonly string[]): NamedTensor;
  /** Tokens [texts, tokens] to vectors of length 1 [texts, dimensions]. */
  embed(tokens: NamedTensor): Promise<NamedTensor>;
}

/** Of how many texts the vectors are kept, those used last: about 20 MB. */
const keptTexts = 10_000;
/** How many tokens, padding included, go through the network together: it bounds the memory. */
const maxBatchTokens = 1_024;

/**
 * The encoder all-MiniLM-L6-v2, or null where it was not fetched (`npm run ml:sentences`). Its weights, 91 MB, are read
 * when the first text is embedded.
 */
export function openSentenceEncoder(tf: Tf): SentenceEncoder | null {
  const folder = sentencesFolder();
  if (!existsSync(folder)) return null;
  const tokenizer = new Tokenizer(readJson(folder, 'tokenizer.json'), readJson(folder, 'tokenizer_config.json'));
  let weights: Promise<LiveTensors> | undefined;
  return {
    dimensions,
    tokenise: (texts) => fillUp(texts.map((text) => shorten(tokenizer.encode(text).ids))),
    embed: remembering(async (texts) => {
      weights ??= loadWeights(tf, folder);
      const live = await weights;
      const outputs = await compute(tf, { tokens: fillUp(texts) }, (inputs) => ({
        vectors: embedTokens(tf, live, entry(inputs, 'tokens')),
      }));
      return rowsOf(entry(outputs, 'vectors'));
    }),
  };
}

function readJson(folder: string, file: string): object {
  return z.looseObject({}).parse(JSON.parse(readFileSync(path.join(folder, file), 'utf8')));
}

async function loadWeights(tf: Tf, folder: string): Promise<LiveTensors> {
  return toLive(tf, readSafetensors(await readFile(path.join(folder, 'model.safetensors'))));
}

/** A text that is too long keeps its beginning, and the mark at its end. */
function shorten(ids: readonly number[]): number[] {
  return ids.length <= maxTokens ? [...ids] : [...ids.slice(0, maxTokens - 1), at(ids, ids.length - 1)];
}

/** Texts of different lengths as rows of token ids, the shorter ones filled up. */
export function fillUp(texts: readonly ArrayLike<number>[]): NamedTensor {
  const longest = texts.reduce((length, ids) => Math.max(length, ids.length), 0);
  const values = new Float32Array(texts.length * longest).fill(padding);
  texts.forEach((ids, i) => {
    values.set(ids, i * longest);
  });
  return { shape: [texts.length, longest], values };
}

interface Text {
  /** Its ids as one string, since a map compares lists by who they are. */
  readonly key: string;
  readonly ids: readonly number[];
}

/**
 * Answers from memory what was embedded lately, since the same words come again and again; `embed` is given the rest,
 * each text once, in batches of about equal length.
 */
function remembering(embed: (texts: readonly (readonly number[])[]) => Promise<Float32Array[]>) {
  const recent = new LRUCache<string, Float32Array>({ max: keptTexts });
  return async (tokens: NamedTensor): Promise<NamedTensor> => {
    const texts = rowsOf(tokens).map((row): Text => {
      const ids = Array.from(row).filter((id) => id !== padding);
      return { key: ids.join(' '), ids };
    });
    const vectors = new Map<string, Float32Array>();
    const unknown = new Map<string, Text>();
    for (const text of texts) {
      const vector = recent.get(text.key);
      if (vector === undefined) unknown.set(text.key, text);
      else vectors.set(text.key, vector);
    }
    for (const batch of batchesOf([...unknown.values()])) {
      const embedded = await embed(batch.map(({ ids }) => ids));
      batch.forEach(({ key }, i) => {
        // A copy, since a row is a view that would keep its whole batch in memory.
        const vector = at(embedded, i).slice();
        vectors.set(key, vector);
        recent.set(key, vector);
      });
    }
    const values = new Float32Array(texts.length * dimensions);
    texts.forEach(({ key }, i) => {
      values.set(vectors.get(key) ?? [], i * dimensions);
    });
    return { shape: [texts.length, dimensions], values };
  };
}

/** Batches of texts of about equal length, so that little is padded. */
function* batchesOf(texts: readonly Text[]): Generator<Text[]> {
  let batch: Text[] = [];
  for (const text of texts.toSorted((a, b) => a.ids.length - b.ids.length)) {
    if (batch.length > 0 && (batch.length + 1) * text.ids.length > maxBatchTokens) {
      yield batch;
      batch = [];
    }
    batch.push(text);
  }
  if (batch.length > 0) yield batch;
}
