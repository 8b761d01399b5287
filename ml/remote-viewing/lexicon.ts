import { at } from '../sequence.ts';

/** What viewers perceive before they can name it, by kind; the order is that of the network's outputs. */
const descriptorsByKind = {
  gestalt: ['land', 'water', 'structure', 'life', 'motion', 'energy', 'air', 'height'],
  texture: ['rough', 'smooth', 'hard', 'soft', 'wet', 'dry'],
  shape: ['curved', 'angular', 'straight', 'pointed', 'flat'],
  size: ['large', 'small', 'wide', 'narrow'],
  sense: ['hot', 'cold', 'bright', 'dark', 'loud', 'quiet'],
} as const;

type DescriptorKind = keyof typeof descriptorsByKind;
export type Descriptor = (typeof descriptorsByKind)[DescriptorKind][number];

const { gestalt, texture, shape, size, sense } = descriptorsByKind;
export const descriptorNames: readonly Descriptor[] = [...gestalt, ...texture, ...shape, ...size, ...sense];

const kinds = new Map<Descriptor, DescriptorKind>([
  ...gestalt.map((name) => [name, 'gestalt'] as const),
  ...texture.map((name) => [name, 'texture'] as const),
  ...shape.map((name) => [name, 'shape'] as const),
  ...size.map((name) => [name, 'size'] as const),
  ...sense.map((name) => [name, 'sense'] as const),
]);

/** What sort of quality a descriptor names. */
export function kindOf(descriptor: Descriptor): DescriptorKind {
  return kinds.get(descriptor) ?? 'gestalt';
}

/** Terrain and settlement: the kinds of surroundings that places are ranked by. A place may be of several. */
export const terrainNames = [
  'mountain',
  'coast',
  'river_lake',
  'forest',
  'desert',
  'plain',
  'city',
  'island',
  'village',
  'ice',
] as const;
export type Terrain = (typeof terrainNames)[number];

/** Whether a name is one of the surroundings. */
export function isTerrain(name: string): name is Terrain {
  return terrainNames.some((one) => one === name);
}

/** The numbers of a list by the terrain whose place they have in it. */
export function byTerrain(values: readonly number[]): Record<Terrain, number> {
  const valueOf = (terrain: Terrain) => at(values, terrainNames.indexOf(terrain));
  return {
    mountain: valueOf('mountain'),
    coast: valueOf('coast'),
    river_lake: valueOf('river_lake'),
    forest: valueOf('forest'),
    desert: valueOf('desert'),
    plain: valueOf('plain'),
    city: valueOf('city'),
    island: valueOf('island'),
    village: valueOf('village'),
    ice: valueOf('ice'),
  };
}
