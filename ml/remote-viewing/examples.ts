import { type NamedTensors, sizeOf } from '../tensors.ts';
import { type ObjectName, objectNames } from './drawings/objects.ts';
import { type Descriptor, descriptorNames, type Terrain, terrainNames } from './lexicon.ts';
import { factCount, type Seen, summarise } from './network.ts';
import { side } from './raster.ts';
import { concepts, type Phrase } from './wording.ts';

/** What the network learns from: a session with one sketch, and what is known of its target; undefined: not known. */
export interface Example {
  readonly picture: Float32Array;
  /** Whether the person recorded the sketch; if not, it is learned from all the same, but not read with the words. */
  readonly sketched: boolean;
  readonly phrases: readonly Phrase[];
  /** What the sketch may depict; all things for one that depicts nothing, so that the network learns to be unsure. */
  readonly objects: readonly ObjectName[] | undefined;
  readonly terrain: Terrain | undefined;
  readonly descriptors: ReadonlySet<Descriptor> | undefined;
  readonly things: readonly ObjectName[] | undefined;
}

const shapes = {
  pictures: [side, side, 1],
  words: [concepts.length],
  facts: [factCount],
  objects: [objectNames.length],
  terrain: [terrainNames.length],
  descriptors: [descriptorNames.length],
  things: [objectNames.length],
  known: [4],
} as const;

/** Examples as the tensors that `viewingLoss` reads; `exampleAt` is called once for each, in order. */
export function tableOf(count: number, exampleAt: (index: number) => Example): NamedTensors {
  const table = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { shape: [count, ...shape], values: new Float32Array(count * sizeOf(shape)) },
    ]),
  );
  for (let i = 0; i < count; i++) {
    for (const [name, row] of Object.entries(rowsOf(exampleAt(i)))) table[name]?.values.set(row, i * row.length);
  }
  return table;
}

function rowsOf(example: Example): Record<keyof typeof shapes, ArrayLike<number>> {
  const { picture, phrases, sketched, objects = [], terrain, descriptors, things = [] } = example;
  const seen: Seen = { pictures: sketched ? [picture] : [], phrases };
  const { words, facts } = summarise(seen);
  return {
    pictures: picture,
    words,
    facts,
    objects: objectNames.map((name) => (objects.includes(name) ? 1 / objects.length : 0)),
    terrain: terrainNames.map((name) => Number(name === terrain)),
    descriptors: descriptorNames.map((name) => Number(descriptors?.has(name) === true)),
    things: objectNames.map((name) => Number(things.includes(name))),
    known: [example.objects, terrain, descriptors, example.things].map((part) => (part === undefined ? 0 : 1)),
  };
}
