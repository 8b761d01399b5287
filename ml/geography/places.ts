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

export interface LikelyCell extends Somewhere {
  readonly probability: number;
}

export interface LikelyPlace extends LikelyCell {
  readonly name: string;
  readonly country: string;
}

export interface Geography {
  /** The likeliest, best first; of places equally likely the one with more people first. */
  readonly places: LikelyPlace[];
  /** The cells of the map that are likelier than their share of the world's land, what is most above it first. */
  readonly density: { readonly stepDegrees: number; readonly cells: LikelyCell[] };
}

const [shownPlaces, shownCells, stepDegrees] = [10, 200, 5];
/** By how much a cell must be above its chance to be shown: what is less comes from rounding. */
const noticeable = 1.01;

/** What surrounds a place, or how the land of a cell is parted: shares that add to 1. */
type Shares = readonly { readonly kind: Terrain; readonly share: number }[];

const placeSchema = z.tuple([z.string(), z.string(), z.coerce.number(), z.coerce.number(), z.string()]);
const kindsSchema = z.array(z.enum(terrainNames)).min(1);
const cellSchema = z.array(z.coerce.number());
const countries = new Intl.DisplayNames('en', { type: 'region' });

const placeRows = rowsOf('places.tsv').map((row) => placeSchema.parse(row));

/** How many places are ranked; when nothing is known, each is as probable as any other. */
export const placeCount = placeRows.length;

/** Populated places all over the world, the largest first. */
const places = placeRows.map(([name, country, lon, lat, surroundings]) => {
  const kinds = kindsSchema.parse(surroundings.split(' '));
  const shares: Shares = kinds.map((kind) => ({ kind, share: 1 / kinds.length }));
  return { name, country: countries.of(country) ?? country, lon, lat, chance: 1 / placeCount, shares };
});

/** The cells of the map that hold land; when nothing is known, each is as probable as its share of it. */
const cells = rowsOf('cells.tsv').map((row) => {
  const [lon = 0, lat = 0, chance = 0, ...parts] = cellSchema.parse(row);
  const whole = parts.reduce((sum, part) => sum + part, 0);
  const shares: Shares = terrainNames.map((kind, i) => ({ kind, share: (parts[i] ?? 0) / whole }));
  return { lon, lat, chance, shares };
});

function rowsOf(file: string): string[][] {
  const [, ...lines] = readFileSync(new URL(file, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => line.split('\t'));
}

/**
 * Where in the world the surroundings are those that were read.
 *
 * @param read The probability of each kind of surroundings.
 * @param base The probability that each has when nothing was recorded, above 0.
 */
export function rankPlaces(read: ByTerrain, base: ByTerrain): Geography {
  const lift = (kind: Terrain) => read[kind] / base[kind];
  return {
    places: weigh(places, lift)
      .toSorted((a, b) => b.probability - a.probability)
      .slice(0, shownPlaces)
      .map(({ item: { name, country, lon, lat, chance }, probability }) => ({
        name,
        country,
        lon,
        lat,
        probability,
        chance,
      })),
    density: {
      stepDegrees,
      cells: weigh(cells, lift)
        .map(({ item: { lon, lat, chance }, probability }) => ({ lon, lat, probability, chance }))
        .filter(({ probability, chance }) => probability > noticeable * chance)
        .toSorted((a, b) => riseOf(b) - riseOf(a) || b.chance - a.chance)
        .slice(0, shownCells),
    },
  };
}

/**
 * How far a cell rises above its chance, in ten-thousandths: finer differences come from rounding, and another backend
 * rounds otherwise, but must show the same cells.
 */
function riseOf({ probability, chance }: LikelyCell): number {
  return Math.round((10_000 * probability) / chance);
}

interface Prior {
  readonly chance: number;
  readonly shares: Shares;
}

/**
 * The probability of each item: its chance times how much likelier its kinds became, which is Bayes's rule with the
 * world's own mixture of kinds for that of the training (Saerens, Latinne and Decaestecker 2002). A reading that says
 * nothing leaves everything at its chance, however often a kind is found.
 */
function weigh<T extends Prior>(items: readonly T[], lift: (kind: Terrain) => number) {
  const weights = items.map(({ chance, shares }) =>
    shares.reduce((sum, { kind, share }) => sum + chance * share * lift(kind), 0),
  );
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  return items.map((item, i) => ({ item, probability: at(weights, i) / whole }));
}
