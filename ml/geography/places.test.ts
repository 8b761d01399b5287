import { expect, test } from '@jest/globals';
import { type Terrain, terrainNames } from '../remote-viewing/lexicon.ts';
import { placeCount, rankPlaces } from './places.ts';

type ByTerrain = Record<Terrain, number>;

/** How often each kind is found in the training. */
const base = byTerrain((_, i) => (1 + i) / 55);

function byTerrain(valueOf: (kind: Terrain, i: number) => number): ByTerrain {
  return Object.fromEntries(terrainNames.map((kind, i) => [kind, valueOf(kind, i)])) as ByTerrain;
}

/** A reading that is nearly sure of one kind. */
function pointsTo(sure: Terrain): ByTerrain {
  return byTerrain((kind) => (kind === sure ? 0.91 : 0.01));
}

function cellAround(lon: number, lat: number, { density: { stepDegrees, cells } }: ReturnType<typeof rankPlaces>) {
  return cells.find(
    (cell) => Math.abs(cell.lon - lon) <= stepDegrees / 2 && Math.abs(cell.lat - lat) <= stepDegrees / 2,
  );
}

test('a reading that says nothing leaves every place and every cell at its chance (M1)', () => {
  const { places, density } = rankPlaces(base, base);
  expect(density.cells).toEqual([]);
  for (const { probability, chance } of places) {
    expect(chance).toBe(1 / placeCount);
    expect(probability).toBeCloseTo(chance, 12);
  }
});

test.each<[Terrain, number, number, string]>([
  ['mountain', 86, 28, 'the Himalaya'],
  ['desert', 10, 23, 'the Sahara'],
  ['forest', -62, -4, 'the Amazon'],
  ['ice', -42, 72, 'Greenland'],
  ['island', 177, -18, 'Fiji'],
  ['plain', -7, 12, 'the Sahel'],
  ['city', 139, 36, 'Tokyo'],
])('a reading of %s lights up the map at %f, %f: %s (M1)', (kind, lon, lat) => {
  const cell = cellAround(
    lon,
    lat,
    rankPlaces(
      pointsTo(kind),
      byTerrain(() => 0.1),
    ),
  );
  expect(cell?.probability).toBeGreaterThan(1.2 * (cell?.chance ?? NaN));
});

test('places are ranked by their surroundings, each with its country and beside its chance (M1)', () => {
  const { places } = rankPlaces(
    pointsTo('mountain'),
    byTerrain(() => 0.1),
  );
  expect(places).toHaveLength(10);
  for (const { probability, chance } of places) expect(probability).toBeGreaterThan(5 * chance);
  expect(places).toEqual(places.toSorted((a, b) => b.probability - a.probability));
  const [beijing] = rankPlaces(
    pointsTo('city'),
    byTerrain(() => 0.1),
  ).places;
  expect(beijing).toMatchObject({ name: 'Beijing', country: 'China' });
});

test('only a kind that became likelier counts, whatever its share in the training was (M1)', () => {
  const rare = rankPlaces(pointsTo('ice'), { ...base, ice: 0.001 });
  const common = rankPlaces(pointsTo('ice'), { ...base, ice: 0.9 });
  const antarctica = { lon: 42, lat: -72 };
  expect(cellAround(antarctica.lon, antarctica.lat, rare)).toBeDefined();
  expect(rare.places[0]?.probability).toBeGreaterThan(common.places[0]?.probability ?? NaN);
});
