import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/**
 * Real series to measure forecasts on, of the package `vega-datasets`; none of them is ever trained on. Taken are all
 * columns of numbers over time with at least fifty values on an even rhythm, each once: of prices that come as open,
 * high, low and close, the close, and weather.csv alone, which repeats seattle-weather.csv.
 */
export interface RealSeries {
  readonly table: string;
  readonly name: string;
  readonly times: readonly string[];
  readonly values: readonly number[];
  /** How many steps a season has by the nature of the data: months of a year, hours of a day; 1 for none. */
  readonly season: number;
}

const leastLength = 50;

/** Reads them out of the package. */
export async function readRealSeries(): Promise<RealSeries[]> {
  const [co2, weather, normals, globe, sp500, sp500Days, stocks, employment] = await Promise.all(
    [
      'co2-concentration.csv',
      'weather.csv',
      'seattle-weather-hourly-normals.csv',
      'global-temp.csv',
      'sp500.csv',
      'sp500-2000.csv',
      'stocks.csv',
      'us-employment.csv',
    ].map(readCsv),
  );
  const rows = z.array(z.record(z.string(), z.unknown()));
  const [unemployment, wheat, driving] = await Promise.all(
    ['unemployment-across-industries.json', 'wheat.json', 'driving.json'].map(async (file) =>
      rows.parse(JSON.parse(await readData(file))),
    ),
  );
  const taken = [
    columns('co2-concentration', co2, 'Date', ['CO2', 'adjusted CO2'], 12),
    columns('weather', weather, 'date', ['precipitation', 'temp_max', 'temp_min', 'wind'], 365, 'location'),
    columns('seattle-weather-hourly-normals', normals, 'date', ['pressure', 'temperature', 'wind'], 24),
    columns('global-temp', globe, 'year', ['temp'], 1),
    columns('sp500', sp500, 'date', ['price'], 12),
    columns('sp500-2000', sp500Days, 'date', ['close', 'volume'], 5),
    columns('stocks', stocks, 'date', ['price'], 12, 'symbol'),
    columns('us-employment', employment, 'month', Object.keys(employment?.[0] ?? {}).slice(1), 12),
    columns('unemployment-across-industries', unemployment, 'date', ['count', 'rate'], 12, 'series'),
    columns('wheat', wheat, 'year', ['wheat', 'wages'], 1),
    columns('driving', driving, 'year', ['miles', 'gas'], 1),
  ];
  return taken.flat().filter(({ values }) => values.length >= leastLength);
}

type Row = Readonly<Record<string, unknown>>;

function readData(file: string): Promise<string> {
  const main = import.meta.resolve('vega-datasets');
  return readFile(new URL(`../data/${file}`, main), 'utf8');
}

/** None of the tables that are read has quotes or commas in a field. */
async function readCsv(file: string): Promise<Row[]> {
  const [header = '', ...lines] = (await readData(file)).trim().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, cells[i]]));
  });
}

function columns(
  table: string,
  rows: readonly Row[] = [],
  timeColumn: string,
  valueColumns: readonly string[],
  season: number,
  groupColumn?: string,
): RealSeries[] {
  const groups = Map.groupBy(rows, (row) => (groupColumn === undefined ? '' : text(row[groupColumn])));
  return [...groups].flatMap(([group, ofGroup]) =>
    valueColumns.map((column) => {
      const known = ofGroup.filter((row) => text(row[column]).trim() !== '');
      return {
        table,
        name: group === '' ? column : `${group} ${column}`,
        times: known.map((row) => asIso(text(row[timeColumn]))),
        values: known.map((row) => Number(text(row[column]))),
        season,
      };
    }),
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Times as the tables have them: ISO 8601 with or without a zone, a year alone, "Jan 1 2000". */
function asIso(time: string): string {
  if (/^\d{4}$/.test(time)) return `${time}-01-01`;
  if (/^\d{4}-\d{2}-\d{2}$/.test(time)) return time;
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(time)) return `${time}Z`;
  const stamp = Date.parse(/^[A-Z]/.test(time) ? `${time} UTC` : time);
  return new Date(stamp).toISOString().slice(0, 10);
}
