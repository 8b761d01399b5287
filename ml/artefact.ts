import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type SessionType, sessionTypes } from '../domain/session.ts';
import { ArtefactCorruptError } from './errors.ts';
import type { Figure } from './model.ts';
import { packTensors, sha256Of, unpackTensors } from './tensorFile.ts';
import type { NamedTensors } from './tensors.ts';

const factsSchema = z.object({
  name: z.enum(sessionTypes),
  version: z.string(),
  created: z.iso.datetime(),
  seed: z.int(),
  sessions: z.int(),
  figures: z.array(z.object({ name: z.string(), value: z.number(), chance: z.number(), chanceIs: z.string() })),
  /** How what the model observes was distributed over simulated sessions: what drift is measured against. */
  profile: z.record(z.string(), z.object({ edges: z.array(z.number()), shares: z.array(z.number()) })).default({}),
});

/**
 * How observed numbers are distributed: `edges` part them into bins (n edges, n + 1 bins, the outer ones open),
 * `shares` say how much lies in each.
 */
export type Profile = Readonly<
  Record<string, { readonly edges: readonly number[]; readonly shares: readonly number[] }>
>;

export interface Artefact {
  readonly name: SessionType;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly seed: number;
  /** How many simulated sessions it was trained on. */
  readonly sessions: number;
  readonly figures: readonly Figure[];
  readonly profile: Profile;
  readonly weights: NamedTensors;
}

/** Writes a trained model as one file. */
export function packArtefact({ weights, ...facts }: Artefact): Uint8Array {
  return packTensors(facts, weights);
}

/**
 * Reads an artefact after checking it.
 *
 * @param expectedSha256 The checksum of the whole file, where the caller knows it.
 * @throws ArtefactCorruptError when a checksum differs or the bytes are no artefact.
 */
export function unpackArtefact(bytes: Uint8Array, expectedSha256?: string): Artefact {
  if (expectedSha256 !== undefined && sha256Of(bytes) !== expectedSha256) {
    throw new ArtefactCorruptError('The artefact is not the one that its checksum names');
  }
  const { facts, tensors } = unpackTensors(bytes, factsSchema);
  return { ...facts, weights: tensors };
}

/** Of which architecture the weights of a version are: its major number. */
export function architectureOf(version: string): number {
  return Number(version.split('.')[0]);
}

/** The folder of a model: its session type, written as folders are. */
export function folderOf(sessionType: SessionType): URL {
  return new URL(`${sessionType.replaceAll('_', '-')}/`, import.meta.url);
}

export interface BundledArtefact extends Omit<Artefact, 'created' | 'weights'> {
  /** Of the whole file. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
  /** The model's card in Markdown. */
  readonly card: string;
}

/** The artefacts that are committed beside the code, the newest version of each model; provisioning publishes them. */
export async function listBundledArtefacts(): Promise<BundledArtefact[]> {
  return Promise.all(
    sessionTypes.map(async (sessionType) => {
      const folder = new URL('artefact/', folderOf(sessionType));
      const files = (await readdir(folder)).filter((file) => file.endsWith('.bin'));
      const newest = files.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
      if (newest === undefined) throw new Error(`${sessionType} has no artefact: npm run train -- ${sessionType}`);
      const bytes = await readFile(new URL(newest, folder));
      const { name, version, seed, sessions, figures, profile } = unpackArtefact(bytes);
      const card = await readFile(new URL('card.md', folderOf(sessionType)), 'utf8');
      return { name, version, seed, sessions, figures, profile, sha256: sha256Of(bytes), bytes, card };
    }),
  );
}
