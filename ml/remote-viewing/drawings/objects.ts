import { buildings } from './buildings.ts';
import { living } from './living.ts';
import { nature } from './nature.ts';
import type { Way } from './pen.ts';
import { things } from './things.ts';

const drawings = { ...buildings, ...nature, ...living, ...things };

export type ObjectName = keyof typeof drawings;

/** The things a sketch can be recognised as, in the order of the network's outputs. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- `keys` gives strings; these are the literal's own.
export const objectNames = Object.keys(drawings) as ObjectName[];

/** Things that are drawn in one more way than training sees, which is kept for the test. */
export const keptObjects: readonly ObjectName[] = objectNames.filter((_, i) => i % 3 === 2);

/** The ways of drawing a thing that training learns from. */
export function learnedWays(name: ObjectName): readonly Way[] {
  return keptObjects.includes(name) ? drawings[name].slice(0, -1) : drawings[name];
}

/** The last way of drawing a thing. */
export function lastWay(name: ObjectName): readonly Way[] {
  return drawings[name].slice(-1);
}

const groups = [buildings, nature, living, things].map((group) =>
  objectNames.filter((name) => Object.hasOwn(group, name)),
);

/** The things that one may be taken for: those of its kind. */
export function likeObjects(name: ObjectName): readonly ObjectName[] {
  return groups.find((group) => group.includes(name)) ?? objectNames;
}
