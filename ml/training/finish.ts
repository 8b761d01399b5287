import { binOf, profileSessions } from '../../domain/drift.ts';
import type { SessionType } from '../../domain/session.ts';
import type { Artefact, Profile } from '../artefact.ts';
import type { Runtime } from '../backend.ts';
import { quantileOf } from '../figures.ts';
import type { Figure } from '../model.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import type { NamedTensors } from '../tensors.ts';
import type { Recipe } from './recipe.ts';
import { frozenSeed, seedFor } from './seeds.ts';

/** On how many sessions weights are calibrated, and on how many they are measured. */
const [calibrationSessions, testSessions] = [4_000, 4_000];
const profileBins = 10;

interface Trained<T extends SessionType> {
  readonly runtime: Runtime;
  readonly recipe: Recipe<T>;
  readonly weights: NamedTensors;
}

/** The figures of weights on the frozen test set, which is the same for every version. */
export function measure<T extends SessionType>({ runtime, recipe, weights }: Trained<T>): Promise<Figure[]> {
  return recipe.evaluate({ runtime, weights, random: new Random(frozenSeed), sessions: testSessions });
}

/** Trained weights with what is found on sessions that training did not see: temperatures, base rates. */
export function calibrate<T extends SessionType>(
  trained: Trained<T> & { seed: number; sessions: number },
): Promise<NamedTensors> {
  const random = new Random(seedFor('calibration', trained.seed));
  return trained.recipe.calibrate({ ...trained, random, sessions: Math.min(calibrationSessions, trained.sessions) });
}

/** What is done with calibrated weights: measure, profile. The artefact is all but published then. */
export async function finish<T extends SessionType>(
  calibrated: Trained<T> & { seed: number; sessions: number; version: string },
): Promise<Artefact> {
  const { recipe, weights, seed, sessions, version } = calibrated;
  return {
    name: recipe.model.sessionType,
    version,
    created: new Date().toISOString(),
    seed,
    sessions,
    figures: await measure(calibrated),
    profile: await profileOf(calibrated, new Random(seedFor('calibration', seed, 1))),
    weights,
  };
}

/** How what the model observes is distributed over simulated sessions, in bins of about equal share. */
async function profileOf<T extends SessionType>(
  { runtime, recipe, weights }: Trained<T>,
  random: Random,
): Promise<Profile> {
  const { model } = recipe;
  const predict = model.load(runtime, weights);
  const observed = new Map<string, number[]>();
  for (let i = 0; i < profileSessions; i++) {
    const input = recipe.session(random);
    const inputs = model.encode(input, runtime);
    const outputs = at(await predict([inputs]), 0);
    for (const [name, value] of Object.entries(model.observe({ input, inputs, outputs }))) {
      const values = observed.get(name);
      if (values === undefined) observed.set(name, [value]);
      else values.push(value);
    }
  }
  return Object.fromEntries(
    [...observed].map(([name, values]) => {
      const cuts = Array.from({ length: profileBins - 1 }, (_, i) => quantileOf(values, (i + 1) / profileBins));
      const edges = [...new Set(cuts)];
      return [name, { edges, shares: sharesOf(values, edges) }];
    }),
  );
}

function sharesOf(values: readonly number[], edges: readonly number[]): number[] {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const value of values) {
    const bin = binOf(value, edges);
    counts[bin] = at(counts, bin) + 1;
  }
  return counts.map((count) => count / values.length);
}
