import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { IntuitiveAnalysisImpressions } from '../../domain/impressions.ts';
import { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { columnOf } from './encode.ts';
import { type Points, valueAt } from './points.ts';

/**
 * Real tables to measure groups on, of the package `vega-datasets`; none of them is ever trained on. Taken are all tables
 * of at most 5,000 rows with two or more measured numbers and a natural class that a row belongs to. Rows without a class
 * or without any number are left out.
 */
interface RealTable {
  readonly name: string;
  readonly impressions: IntuitiveAnalysisImpressions;
  /** The class of each row. */
  readonly classes: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

/** Reads them out of the package. */
export async function readRealTables(): Promise<RealTable[]> {
  const [cars, penguins, burtin, gapminder, movies] = await Promise.all(
    ['cars', 'penguins', 'burtin', 'gapminder', 'movies'].map(readJson),
  );
  const [health, seattle, weather] = await Promise.all(
    ['gapminder-health-income', 'seattle-weather', 'weather'].map(readCsv),
  );
  const sameYear = gapminder?.filter(({ year }) => year === 2005);
  const weatherNumbers = ['precipitation', 'temp_max', 'temp_min', 'wind'];
  return [
    tableOf('cars', cars, 'Origin', [
      'Miles_per_Gallon',
      'Cylinders',
      'Displacement',
      'Horsepower',
      'Weight_in_lbs',
      'Acceleration',
    ]),
    tableOf('penguins', penguins, 'Species', [
      'Beak Length (mm)',
      'Beak Depth (mm)',
      'Flipper Length (mm)',
      'Body Mass (g)',
    ]),
    tableOf('burtin', burtin, 'Gram_Staining', ['Penicillin', 'Streptomycin', 'Neomycin']),
    tableOf('gapminder 2005', sameYear, 'cluster', ['pop', 'life_expect', 'fertility']),
    tableOf('gapminder-health-income', health, 'region', ['income', 'health', 'population']),
    tableOf('seattle-weather', seattle, 'weather', weatherNumbers),
    tableOf('weather', weather, 'location', weatherNumbers),
    tableOf('movies', movies, 'Major Genre', [
      'US Gross',
      'Worldwide Gross',
      'Production Budget',
      'Running Time min',
      'Rotten Tomatoes Rating',
      'IMDB Rating',
      'IMDB Votes',
    ]),
  ];
}

function tableOf(name: string, rows: readonly Row[] = [], classColumn: string, dimensions: string[]): RealTable {
  const read = rows
    .map((row) => ({
      ofClass: textOf(row[classColumn]),
      values: dimensions.map((dimension) => numberOf(row[dimension])),
    }))
    .filter(({ ofClass, values }) => ofClass !== '' && values.some((value) => value !== null));
  return {
    name,
    impressions: { dimensions, rows: read.map(({ values }) => values) },
    classes: read.map(({ ofClass }) => ofClass),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function numberOf(value: unknown): number | null {
  const text = textOf(value).trim();
  return text === '' || !Number.isFinite(Number(text)) ? null : Number(text);
}

function readData(file: string): Promise<string> {
  return readFile(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')), 'utf8');
}

async function readJson(name: string): Promise<Row[]> {
  return z.array(z.record(z.string(), z.unknown())).parse(JSON.parse(await readData(`${name}.json`)));
}

/** A comma that stands outside quotes. */
const separator = /,(?=(?:[^"]*"[^"]*")*[^"]*$)/;

async function readCsv(name: string): Promise<Row[]> {
  const [header = '', ...lines] = (await readData(`${name}.csv`)).trim().split(/\r?\n/);
  const columns = header.split(separator);
  return lines.map((line) => {
    const cells = line.split(separator);
    return Object.fromEntries(columns.map((column, i) => [column, cells[i]]));
  });
}

const tries = 10;

/**
 * The baseline for groups: k-means on standardised columns that is told how many groups there are, the best of ten
 * tries from k-means++ (Arthur, Vassilvitskii 2007), each until nothing moves any more (Lloyd 1982).
 */
export function kMeansKnowing(impressions: IntuitiveAnalysisImpressions, clusters: number): Int32Array {
  const random = new Random(1);
  const points = standardised(impressions);
  const found = Array.from({ length: tries }, () => kMeans(random, points, clusters));
  return found.reduce((best, other) => (other.inertia < best.inertia ? other : best)).labels;
}

function standardised(impressions: IntuitiveAnalysisImpressions): Points {
  const { dimensions, rows } = impressions;
  const values = new Float64Array(rows.length * dimensions.length);
  dimensions.forEach((_, d) => {
    const column = columnOf(impressions, d);
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    column.forEach((value, row) => (values[row * dimensions.length + d] = (value - mean) / Math.sqrt(variance)));
  });
  return { count: rows.length, dimensions: dimensions.length, values };
}

function kMeans(random: Random, points: Points, clusters: number): { labels: Int32Array; inertia: number } {
  const { count, dimensions } = points;
  const rowOf = (row: number) => Array.from(points.values.subarray(row * dimensions, (row + 1) * dimensions));
  const middles = [rowOf(random.int(0, count - 1))];
  while (middles.length < clusters) {
    const { distances, inertia } = nearest(points, middles);
    let left = random.uniform(0, inertia);
    const drawn = distances.findIndex((distance) => (left -= distance) < 0);
    middles.push(rowOf(Math.max(0, drawn)));
  }
  for (let before = Infinity; ;) {
    const { labels, inertia } = nearest(points, middles);
    if (inertia >= before) return { labels, inertia };
    before = inertia;
    middles.forEach((_, cluster) => {
      const members = Array.from({ length: count }, (__, row) => row).filter((row) => labels[row] === cluster);
      if (members.length === 0) return;
      middles[cluster] = Array.from({ length: dimensions }, (__, d) => {
        return members.reduce((sum, row) => sum + valueAt(points.values, row * dimensions + d), 0) / members.length;
      });
    });
  }
}

function nearest({ count, dimensions, values }: Points, middles: readonly (readonly number[])[]) {
  const labels = new Int32Array(count);
  const distances = new Float64Array(count).fill(Infinity);
  for (let row = 0; row < count; row++) {
    middles.forEach((middle, cluster) => {
      let distance = 0;
      for (let d = 0; d < dimensions; d++) distance += (valueAt(values, row * dimensions + d) - at(middle, d)) ** 2;
      if (distance >= valueAt(distances, row)) return;
      distances[row] = distance;
      labels[row] = cluster;
    });
  }
  return { labels, distances, inertia: distances.reduce((sum, distance) => sum + distance, 0) };
}
