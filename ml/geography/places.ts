import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Terrain, terrainNames } from '../remote-viewing/lexicon.ts';
import { at } from '../sequence.ts';

/** A number for each kind of surroundings. */
type ByTerrain = Readonly<Record<Terrain, number>>;

interface Somewhere {
  /** Degrees. */
  readonly lon: number;
  /** Degrees. */
  readonly lat: number;
  /** How probable it is when nothing is known. */
  readonly chance: number;
}

interface LikelyCell extends Somewhere {
  readonly probability: number;
}

interface LikelyPlace extends LikelyCell {
  readonly name: string;
  readonly country: string;
}

interface Geography {
  /** The likeliest, best first; of places equally likely the one with more people first. */
  readonly places: LikelyPlace[];
  /** The cells of the map that are likelier than their share of the world's land, what is most above it first. */
  readonly density: { readonly stepDegrees: number; readonly cells: LikelyCell[] };
}

const [shownPlaces, shownCells, stepDegrees] = [10, 200, 5];
/** By how much a cell must be above its chance to be shown: what is less comes from rounding. */
const noticeable = 1.01;

const placeSchema = z.tuple([z.string(), z.string(), z.coerce.number(), z.coerce.number(), z.string()]);
const kindsSchema = z.array(z.enum(terrainNames)).min(1);
const cellSchema = z.array(z.coerce.number());
const countries = new Intl.DisplayNames('en', { type: 'region' });

const placeRows = rowsOf('places.tsv').map((row) => placeSchema.parse(row));

/** How many places are ranked; when nothing is known, each is as probable as any other. */
export const placeCount = placeRows.length;

/** Populated places all over the world, the largest first, by what surrounds them: of those alike none is likelier. */
const surroundings = [
  ...Map.groupBy(
    placeRows.map(([name, country, lon, lat, kinds], rank) => {
      const place = { name, country: countries.of(country) ?? country, lon, lat, chance: 1 / placeCount };
      return { kinds, rank, place };
    }),
    ({ kinds }) => kinds,
  ),
].map(([text, alike]) => {
  const kinds = kindsSchema.parse(text.split(' '));
  const shares = terrainNames.map((kind) => (kinds.includes(kind) ? 1 / kinds.length : 0));
  return { shares, count: alike.length, largest: alike.slice(0, shownPlaces) };
});

/** The cells of the map that hold land; when nothing is known, each is as probable as its share of it. */
const cellRows = rowsOf('cells.tsv').map((row) => cellSchema.parse(row));
const cells = cellRows.map(([lon = 0, lat = 0, chance = 0]) => ({ lon, lat, chance }));
/** How the chance of each cell is parted among the kinds of its land, [cells, kinds]. */
const chances = Float64Array.from(
  cellRows.flatMap(([, , chance = 0, ...parts]) => {
    const whole = parts.reduce((sum, part) => sum + part, 0);
    return terrainNames.map((_, i) => (chance * (parts[i] ?? 0)) / whole);
  }),
);

function rowsOf(file: string): string[][] {
  const [, ...lines] = readFileSync(new URL(file, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => line.split('\t'));
}

/**
 * Where in the world the surroundings are those that were read: the probability of each place or cell is its chance
 * times how much likelier its kinds became, which is Bayes's rule with the world's own mixture of kinds for that of the
 * training (Saerens, Latinne and Decaestecker 2002). A reading that says nothing leaves everything at its chance,
 * however often a kind is found.
 *
 * @param read The probability of each kind of surroundings.
 * @param base The probability that each has when nothing was recorded, above 0.
 */
export function rankPlaces(read: ByTerrain, base: ByTerrain): Geography {
  const lifts = terrainNames.map((kind) => read[kind] / base[kind]);
  return { places: likelyPlaces(lifts), density: { stepDegrees, cells: likelyCells(lifts) } };
}

function likelyPlaces(lifts: readonly number[]): LikelyPlace[] {
  const weighed = surroundings.map((some) => ({
    ...some,
    weight: some.shares.reduce((sum, share, kind) => sum + share * at(lifts, kind), 0),
  }));
  const whole = weighed.reduce((sum, { count, weight }) => sum + count * weight, 0);
  return weighed
    .flatMap(({ largest, weight }) => largest.map(({ rank, place }) => ({ rank, place, probability: weight / whole })))
    .sort((a, b) => b.probability - a.probability || a.rank - b.rank)
    .slice(0, shownPlaces)
    .map(({ place, probability }) => ({ ...place, probability }));
}

function likelyCells(lifts: readonly number[]): LikelyCell[] {
  const weights = new Float64Array(cells.length);
  let whole = 0;
  for (let cell = 0; cell < weights.length; cell++) {
    let weight = 0;
    for (let kind = 0; kind < lifts.length; kind++) {
      weight += (chances[cell * lifts.length + kind] ?? NaN) * (lifts[kind] ?? NaN);
    }
    weights[cell] = weight;
    whole += weight;
  }
  return cells
    .flatMap((cell, i): { cell: LikelyCell; rise: number }[] => {
      const probability = at(weights, i) / whole;
      if (probability <= noticeable * cell.chance) return [];
      return [{ cell: { ...cell, probability }, rise: riseOf(probability, cell.chance) }];
    })
    .sort((a, b) => b.rise - a.rise || b.cell.chance - a.cell.chance)
    .slice(0, shownCells)
    .map(({ cell }) => cell);
}

/**
 * How far a cell rises above its chance, in ten-thousandths: finer differences come from rounding, and another backend
 * rounds otherwise, but must show the same cells.
 */
function riseOf(probability: number, chance: number): number {
  return Math.round((10_000 * probability) / chance);
}
