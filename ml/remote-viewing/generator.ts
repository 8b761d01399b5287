import type { RemoteViewingImpressions } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';
import { drawSketch, type ObjectName, objectNames } from './drawings.ts';
import {
  type Descriptor,
  descriptorNames,
  knownWords,
  type Tag,
  type TerrainRead,
  terrainsRead,
  wordsOf,
} from './lexicon.ts';

/** What a simulated target holds. */
export interface Target {
  readonly terrain: TerrainRead;
  readonly object: ObjectName;
  readonly descriptors: ReadonlySet<Descriptor>;
}

export interface SimulatedSession {
  readonly target: Target;
  /** 0: the impressions have nothing to do with the target; 1: as good as this simulation gets. */
  readonly signal: number;
  readonly impressions: RemoteViewingImpressions;
  /** How a pool would describe the target. */
  readonly targetWords: string[];
}

const descriptorsOfTerrain: Record<TerrainRead, readonly Descriptor[]> = {
  mountain: ['land', 'height', 'angular'],
  coast: ['land', 'water', 'motion'],
  river_lake: ['water', 'life', 'curved'],
  forest: ['land', 'life'],
  desert: ['land', 'energy'],
  plain: ['land', 'air'],
  city: ['structure', 'life', 'motion', 'angular'],
  island: ['land', 'water', 'life'],
};

const descriptorsOfObject: Record<ObjectName, readonly Descriptor[]> = {
  house: ['structure', 'angular'],
  tree: ['life', 'height'],
  bridge: ['structure', 'curved'],
  mountain: ['land', 'height'],
  wave: ['water', 'motion'],
  boat: ['water', 'motion'],
  tower: ['structure', 'height'],
  person: ['life', 'motion'],
  ball: ['curved', 'motion'],
  star: ['energy', 'angular'],
  road: ['land', 'motion'],
  pyramid: ['structure', 'angular'],
};

/** Where a thing is found more often than elsewhere, so that a sketch says something of the terrain. */
const terrainOfObject: Record<ObjectName, readonly TerrainRead[]> = {
  house: ['plain', 'city'],
  tree: ['forest', 'plain'],
  bridge: ['river_lake', 'city'],
  mountain: ['mountain', 'island'],
  wave: ['coast', 'island'],
  boat: ['coast', 'river_lake', 'island'],
  tower: ['city'],
  person: ['city', 'plain'],
  ball: [...terrainsRead],
  star: [...terrainsRead],
  road: ['desert', 'plain', 'city'],
  pyramid: ['desert'],
};

function simulateTarget(random: Random): Target {
  const terrain = random.pick(terrainsRead);
  const fitting = objectNames.filter((name) => terrainOfObject[name].includes(terrain));
  const object = random.chance(0.7) ? random.pick(fitting) : random.pick(objectNames);
  const likely = new Set([...descriptorsOfTerrain[terrain], ...descriptorsOfObject[object]]);
  const descriptors = new Set(descriptorNames.filter((name) => random.chance(likely.has(name) ? 0.88 : 0.08)));
  return { terrain, object, descriptors };
}

function describe(random: Random, { terrain, object, descriptors }: Target): string {
  if (random.chance(0.15)) return object;
  const tags: Tag[] = [...descriptors, terrain, terrain];
  return random.pick(wordsOf(random.pick(tags)));
}

/**
 * A simulated session: a target, and how a person's impressions come about from it: with the signal's probability a
 * word or a sketch belongs to the target, else it is one the person would have had anyway.
 */
export function simulateSession(random: Random, signal: number): SimulatedSession {
  const target = simulateTarget(random);
  const words = Array.from({ length: random.int(2, 24) }, () =>
    random.chance(0.85 * signal) ? describe(random, target) : random.pick(knownWords),
  );
  const drawn = random.chance(0.9 * signal) ? target.object : random.chance(0.4) ? random.pick(objectNames) : undefined;
  const sketches = [drawSketch(random, drawn)];
  const kind = random.uniform();
  const impressions = kind < 0.4 ? { words } : kind < 0.55 ? { sketches } : { words, sketches };
  const targetWords = [target.object, ...Array.from({ length: random.int(3, 9) }, () => describe(random, target))];
  return { target, signal, impressions, targetWords };
}
