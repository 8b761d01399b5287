import { expect, test } from '@jest/globals';
import { landmassAt, nearestCoast } from './land.ts';
import { distanceKm, NearbyPoints } from './points.ts';
import { landformsAt } from './regions.ts';
import { surroundingsOf, surveyOf } from './world.ts';

test('landmasses have their real size, also across the antimeridian and around the pole (M1)', () => {
  const areaAt = (lon: number, lat: number) => landmassAt({ lon, lat })?.areaKm2 ?? 0;
  expect(areaAt(-7.5, 53)).toBeGreaterThan(80_000);
  expect(areaAt(-7.5, 53)).toBeLessThan(86_000);
  expect(areaAt(-178, 66.5)).toBe(areaAt(10, 50));
  expect(areaAt(0, -89.9)).toBe(areaAt(120, -75));
  expect(landmassAt({ lon: -30, lat: 40 })).toBeUndefined();
  expect(landmassAt({ lon: 0, lat: 89.9 })).toBeUndefined();
});

test('the coast is found where it is near, and only there (M1)', () => {
  expect(nearestCoast({ lon: 12.24, lat: 41.73 }, 10)).toBeDefined();
  expect(nearestCoast({ lon: 12.5, lat: 41.9 }, 10)).toBeUndefined();
});

test('nearby points are found across the antimeridian and at a pole (M1)', () => {
  const [east, polar] = [
    { lon: 179.9, lat: 0 },
    { lon: 90, lat: 89.9 },
  ];
  const points = new NearbyPoints([east, polar]);
  expect(points.nearest({ lon: -179.9, lat: 0 }, 30)).toBe(east);
  expect(points.nearest({ lon: -90, lat: 89.9 }, 30)).toBe(polar);
  expect(points.nearest({ lon: 0, lat: 0 }, 30)).toBeUndefined();
  expect(distanceKm({ lon: 0, lat: 0 }, { lon: 1, lat: 0 })).toBeCloseTo(111.2, 1);
});

test('great landforms are found between the points that they are drawn by (M1)', () => {
  expect([...landformsAt({ lon: 7.66, lat: 45.98 })]).toEqual(['mountain']);
  expect([...landformsAt({ lon: 6, lat: 23.6 })].toSorted()).toEqual(['desert', 'mountain']);
  expect([...landformsAt({ lon: 33.3, lat: 25.0 })]).toContain('desert');
  expect(landformsAt({ lon: 2, lat: 52 }).size).toBe(0);
});

test.each([
  ['Havana', { lon: -82.38, lat: 23.13, population: 2_163_824 }, ['coast', 'city', 'island']],
  ['Manaus', { lon: -60.02, lat: -3.1, population: 1_598_210 }, ['river_lake', 'forest', 'city']],
  ['Zermatt', { lon: 7.75, lat: 46.02, population: 6_629 }, ['mountain']],
  ['London', { lon: -0.13, lat: 51.51, population: 7_556_900 }, ['river_lake', 'city']],
  ['Alice Springs', { lon: 133.88, lat: -23.7, population: 26_534 }, ['desert']],
  ['Longyearbyen', { lon: 15.64, lat: 78.22, population: 2_060 }, ['coast', 'island', 'village', 'ice']],
])('what surrounds %s is known (M1)', (_name, settlement, kinds) => {
  expect(surroundingsOf(settlement)).toEqual(kinds);
});

test('the map knows what is found on land, settlements included, and nothing at sea (M1)', () => {
  const surroundingsAt = surveyOf([
    { lon: 100, lat: 47, population: 300_000 },
    { lon: 101, lat: 47, population: 2_000 },
  ]);
  expect(surroundingsAt({ lon: 100.1, lat: 47 })).toEqual(['city']);
  expect(surroundingsAt({ lon: 101.01, lat: 47 })).toEqual(['plain', 'village']);
  expect(surroundingsAt({ lon: 102, lat: 47 })).toEqual(['plain']);
  expect(surroundingsAt({ lon: -160, lat: 0 })).toBeUndefined();
});
