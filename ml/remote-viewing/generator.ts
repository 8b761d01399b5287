import type { RemoteViewingImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import type { ModelInput } from '../model.ts';
import { drawSketch } from './drawings/hand.ts';
import { likeObjects, type ObjectName, objectNames } from './drawings/objects.ts';
import { type Descriptor, descriptorNames, type Terrain, terrainNames } from './lexicon.ts';
import { type Concept, concepts, type Part, partsOfSeven, phrasesFor } from './wording.ts';

/** What a simulated target holds. */
export interface Target {
  readonly terrain: Terrain;
  readonly object: ObjectName;
  /** What else is to be seen there. */
  readonly others: readonly ObjectName[];
  readonly descriptors: ReadonlySet<Descriptor>;
}

export interface SimulatedSession {
  readonly target: Target;
  /** Empty where the person recorded no words. */
  readonly words: readonly string[];
  /** What the sketch depicts; undefined for one that depicts nothing. */
  readonly drawn: ObjectName | undefined;
  /** Whether the person recorded the sketch. */
  readonly sketched: boolean;
}

const descriptorsOfTerrain: Record<Terrain, readonly Descriptor[]> = {
  mountain: ['land', 'height', 'angular', 'rough', 'hard', 'pointed', 'large', 'cold'],
  coast: ['land', 'water', 'motion', 'wet', 'air', 'wide', 'loud'],
  river_lake: ['water', 'life', 'curved', 'wet', 'smooth', 'quiet'],
  forest: ['land', 'life', 'height', 'soft', 'dark', 'quiet', 'narrow'],
  desert: ['land', 'dry', 'hot', 'wide', 'bright', 'rough', 'energy'],
  plain: ['land', 'air', 'flat', 'wide', 'soft', 'quiet'],
  city: ['structure', 'life', 'motion', 'angular', 'loud', 'hard', 'height', 'straight'],
  island: ['land', 'water', 'life', 'hot', 'small', 'bright'],
  village: ['structure', 'life', 'quiet', 'small', 'land', 'soft'],
  ice: ['cold', 'bright', 'smooth', 'wide', 'hard', 'water', 'quiet'],
};

const descriptorsOfObject: Record<ObjectName, readonly Descriptor[]> = {
  house: ['structure', 'angular'],
  tower: ['structure', 'height', 'narrow', 'straight'],
  castle: ['structure', 'large', 'hard', 'height'],
  church: ['structure', 'pointed', 'height', 'quiet'],
  temple: ['structure', 'straight', 'hard', 'quiet'],
  bridge: ['structure', 'curved', 'straight'],
  pyramid: ['structure', 'angular', 'pointed', 'large'],
  lighthouse: ['structure', 'bright', 'height', 'energy'],
  windmill: ['structure', 'motion', 'air'],
  fence: ['structure', 'straight', 'pointed'],
  tent: ['structure', 'pointed', 'soft', 'small'],
  stairs: ['structure', 'angular', 'height'],
  tree: ['life', 'height', 'rough'],
  palm: ['life', 'height', 'hot'],
  cactus: ['life', 'pointed', 'dry'],
  flower: ['life', 'soft', 'small', 'bright'],
  leaf: ['life', 'flat', 'soft', 'small'],
  mountain: ['land', 'height', 'pointed', 'large'],
  volcano: ['land', 'hot', 'energy', 'height'],
  waterfall: ['water', 'motion', 'loud', 'wet'],
  wave: ['water', 'motion', 'curved', 'wet'],
  sun: ['energy', 'hot', 'bright', 'curved'],
  moon: ['air', 'dark', 'curved', 'quiet'],
  star: ['energy', 'pointed', 'bright', 'dark'],
  cloud: ['air', 'soft', 'curved'],
  lightning: ['energy', 'bright', 'loud', 'angular'],
  person: ['life', 'motion'],
  face: ['life', 'curved'],
  eye: ['life', 'curved', 'wet', 'small'],
  fish: ['life', 'water', 'motion', 'smooth'],
  bird: ['life', 'air', 'motion'],
  snake: ['life', 'curved', 'narrow', 'smooth'],
  butterfly: ['life', 'air', 'soft', 'small'],
  animal: ['life', 'motion', 'soft'],
  boat: ['structure', 'water', 'motion', 'curved'],
  car: ['structure', 'motion', 'hard', 'loud'],
  train: ['structure', 'motion', 'straight', 'loud'],
  aeroplane: ['structure', 'motion', 'air', 'loud'],
  rocket: ['structure', 'energy', 'pointed', 'loud'],
  wheel: ['motion', 'curved', 'hard'],
  ball: ['curved', 'motion', 'smooth'],
  cup: ['curved', 'small', 'smooth'],
  umbrella: ['curved', 'wet', 'small'],
  clock: ['curved', 'motion', 'small'],
  spiral: ['curved', 'motion', 'energy'],
  flag: ['motion', 'air', 'flat'],
  ladder: ['structure', 'straight', 'narrow', 'height'],
  road: ['land', 'straight', 'flat', 'motion'],
};

/** Where a thing is found more often than elsewhere, so that it says something of the terrain; the rest is anywhere. */
const terrainsOfObject: Partial<Record<ObjectName, readonly Terrain[]>> = {
  house: ['village', 'city', 'plain'],
  tower: ['city'],
  castle: ['mountain', 'river_lake'],
  church: ['village', 'city'],
  temple: ['city', 'mountain'],
  bridge: ['river_lake', 'city'],
  pyramid: ['desert'],
  lighthouse: ['coast', 'island'],
  windmill: ['plain', 'village'],
  fence: ['village', 'plain'],
  tent: ['desert', 'forest', 'ice'],
  stairs: ['city'],
  tree: ['forest', 'plain', 'village'],
  palm: ['island', 'desert', 'coast'],
  cactus: ['desert'],
  flower: ['village', 'plain'],
  leaf: ['forest'],
  mountain: ['mountain', 'ice'],
  volcano: ['island', 'mountain'],
  waterfall: ['river_lake', 'mountain'],
  wave: ['coast', 'island'],
  sun: ['desert', 'island'],
  person: ['city', 'village'],
  fish: ['coast', 'river_lake', 'island'],
  bird: ['coast', 'forest', 'plain'],
  snake: ['desert', 'forest'],
  butterfly: ['forest', 'plain'],
  animal: ['plain', 'village'],
  boat: ['coast', 'river_lake', 'island'],
  car: ['city'],
  train: ['city', 'plain'],
  aeroplane: ['city'],
  clock: ['city', 'village'],
  flag: ['city', 'ice'],
  road: ['plain', 'desert', 'city'],
};

const objectsOfTerrain = new Map(
  terrainNames.map((terrain) => [
    terrain,
    objectNames.filter((name) => terrainsOfObject[name]?.includes(terrain) === true),
  ]),
);

/** Surroundings that are taken for each other. */
const likeTerrain: Record<Terrain, readonly Terrain[]> = {
  mountain: ['ice', 'desert'],
  coast: ['island', 'river_lake'],
  river_lake: ['coast', 'forest'],
  forest: ['mountain', 'plain'],
  desert: ['plain', 'mountain'],
  plain: ['desert', 'village'],
  city: ['village'],
  island: ['coast'],
  village: ['city', 'plain'],
  ice: ['mountain'],
};

/** Targets are parted by what stands beside what: the test has pairs of things that training never met together. */
function partOfTarget(object: ObjectName, beside: ObjectName): Part {
  const [a, b] = [objectNames.indexOf(object), objectNames.indexOf(beside)];
  return at(partsOfSeven, (a + b + a * b) % partsOfSeven.length);
}

/** A target whose two main things stand together only in this part of the data. */
export function simulateTarget(random: Random, part: Part): Target {
  const terrain = random.pick(terrainNames);
  const pickObject = () => random.pick(random.chance(0.7) ? (objectsOfTerrain.get(terrain) ?? []) : objectNames);
  let [object, beside] = [pickObject(), pickObject()];
  while (partOfTarget(object, beside) !== part) [object, beside] = [pickObject(), pickObject()];
  const others = random.chance(0.5) ? [beside] : [beside, pickObject()];
  const likely = new Set([
    ...descriptorsOfTerrain[terrain],
    ...descriptorsOfObject[object],
    ...others.flatMap((name) => descriptorsOfObject[name].slice(0, 1)),
  ]);
  const descriptors = new Set(descriptorNames.filter((name) => random.chance(likely.has(name) ? 0.85 : 0.05)));
  return { terrain, object, others, descriptors };
}

/** A phrase for something the person perceives; `noticed` are the descriptors that did not escape them. */
function perceive(random: Random, target: Target, noticed: readonly Descriptor[]): Concept {
  const aspect = random.uniform();
  if (aspect < 0.45 && noticed.length > 0) return `descriptor/${random.pick(noticed)}`;
  if (aspect < 0.8) {
    return `terrain/${random.chance(0.1) ? random.pick(likeTerrain[target.terrain]) : target.terrain}`;
  }
  const seen = random.pick([target.object, target.object, ...target.others]);
  return `object/${random.chance(0.15) ? random.pick(likeObjects(seen)) : seen}`;
}

/**
 * A simulated session: a target, and how a person's impressions come about from it. Some of what the target holds
 * escapes them; of the rest, the signal's share of words and the sketch belong to the target, at times misnamed or taken
 * for something like it; what is added is anything, and often what this person sees everywhere.
 */
export function simulateSession(random: Random, signal: number, part: Part): SimulatedSession {
  const target = simulateTarget(random, part);
  const noticed = [...target.descriptors].filter(() => random.chance(0.75));
  const habit = random.pick(concepts);
  const imagine = () => (random.chance(0.25) ? habit : random.pick(concepts));
  const words = Array.from({ length: random.int(6, 30) }, () =>
    random.pick(phrasesFor(random.chance(signal) ? perceive(random, target, noticed) : imagine(), part)),
  );
  const imagined = random.chance(0.6) ? random.pick(objectNames) : undefined;
  const drawn = random.chance(signal)
    ? random.pick([target.object, target.object, target.object, ...target.others])
    : imagined;
  const kind = random.uniform();
  return { target, drawn, words: kind < 0.06 ? [] : words, sketched: kind < 0.65 };
}

/** How a neutral person describes a target for a pool. */
export function describeTarget(random: Random, target: Target, part: Part): string[] {
  const held = [...target.descriptors];
  const told: Concept[] = [`object/${target.object}`, `terrain/${target.terrain}`];
  told.push(...Array.from({ length: random.int(2, 7) }, () => perceive(random, target, held)));
  return told.map((one) => random.pick(phrasesFor(one, part)));
}

/** The signals of a training: every strength, and a tenth of the sessions without any. */
export function anySignal(random: Random): number {
  return random.chance(0.1) ? 0 : random.uniform();
}

/** A simulated session as its person would send it, half of them with a pool. */
export function asSent(random: Random, session: SimulatedSession, part: Part): ModelInput<'remote_viewing'> {
  const impressions: RemoteViewingImpressions = {
    ...(session.words.length > 0 ? { words: [...session.words] } : {}),
    ...(session.sketched ? { sketches: [drawSketch(random, session.drawn)] } : {}),
  };
  if (random.chance(0.5)) return { impressions };
  const pool = [session.target, ...Array.from({ length: 4 }, () => simulateTarget(random, part))];
  const targets = pool.map((target, i) => ({ id: String(i), words: describeTarget(random, target, part) }));
  return { impressions, metadata: { targets } };
}
