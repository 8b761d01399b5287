import { type Terrain, terrainNames } from '../remote-viewing/lexicon.ts';
import { type Landmass, landmassAt, nearestCoast } from './land.ts';
import { NearbyPoints, type Point } from './points.ts';
import { landformsAt } from './regions.ts';

/** As far as the sea is felt. */
const coastKm = 10;
/** Cuba and Iceland are islands by this; Great Britain and Honshu are too large to be felt as such. */
const largestIslandKm2 = 112_000;
const [cityFrom, villageBelow] = [100_000, 5_000];
/** How far from its middle a settlement marks the land. */
const [cityKm, villageKm] = [15, 5];

type Size = 'city' | 'town' | 'village';

/** A populated place. */
export interface Settlement extends Point {
  readonly population: number;
}

/** By how many people live there. */
export function sizeOf({ population }: Settlement): Size {
  if (population >= cityFrom) return 'city';
  return population < villageBelow ? 'village' : 'town';
}

/** What surrounds a populated place. */
export function surroundingsOf(settlement: Settlement): Terrain[] {
  const landmass = landmassAt(settlement) ?? nearestCoast(settlement, coastKm)?.landmass;
  return kindsAt(settlement, landmass, sizeOf(settlement));
}

/** Tells what is found at a point of the land, settlements included; undefined at sea. */
export function surveyOf(settlements: readonly Settlement[]): (point: Point) => Terrain[] | undefined {
  const nearby = (size: Size) => new NearbyPoints(settlements.filter((settlement) => sizeOf(settlement) === size));
  const [cities, villages] = [nearby('city'), nearby('village')];
  const sizeAt = (point: Point): Size | undefined => {
    if (cities.nearest(point, cityKm) !== undefined) return 'city';
    return villages.nearest(point, villageKm) === undefined ? undefined : 'village';
  };
  return (point) => {
    const landmass = landmassAt(point);
    return landmass === undefined ? undefined : kindsAt(point, landmass, sizeAt(point));
  };
}

function kindsAt(point: Point, landmass: Landmass | undefined, size: Size | undefined): Terrain[] {
  const kinds = landformsAt(point);
  if (nearestCoast(point, coastKm) !== undefined) kinds.add('coast');
  if (landmass !== undefined && landmass.areaKm2 <= largestIslandKm2) kinds.add('island');
  if (size === 'city' || size === 'village') kinds.add(size);
  // Open land is what is left: no great landform, and no city either.
  const open = !(['mountain', 'forest', 'desert', 'ice', 'city'] as const).some((kind) => kinds.has(kind));
  if (open) kinds.add('plain');
  return terrainNames.filter((name) => kinds.has(name));
}
