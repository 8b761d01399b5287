import type { Region } from '../../domain/impressions.ts';

/** Cells on each side of the posterior's grid. */
export const cellsPerSide = 24;
export const cellCount = cellsPerSide ** 2;
const kmPerDegree = 111.195;
const degree = Math.PI / 180;

/** A region as a square from 0 to 1, x to the east and y to the north, with its real measures. */
export interface Grid {
  readonly widthKm: number;
  readonly heightKm: number;
  /** The share of the region's area that a row of cells has, from south to north; a globe's rows differ. */
  readonly rowShares: number[];
  readonly areaKm2: number;
  readonly toUnit: (lon: number, lat: number) => [x: number, y: number];
  readonly toDegrees: (x: number, y: number) => { lon: number; lat: number };
}

/** Lays the grid over a region; one whose west is greater than its east goes on over the antimeridian. */
export function gridOf({ west, south, east, north }: Region): Grid {
  const lonSpan = east > west ? east - west : east - west + 360;
  const latSpan = north - south;
  const bands = Array.from({ length: cellsPerSide }, (_, row) => {
    const [low, high] = [row, row + 1].map((edge) => (south + (edge / cellsPerSide) * latSpan) * degree);
    return Math.sin(high ?? 0) - Math.sin(low ?? 0);
  });
  const total = bands.reduce((sum, band) => sum + band, 0);
  return {
    widthKm: lonSpan * kmPerDegree * Math.cos(((south + north) / 2) * degree),
    heightKm: latSpan * kmPerDegree,
    rowShares: bands.map((band) => band / total),
    areaKm2: (kmPerDegree / degree) ** 2 * total * lonSpan * degree,
    toUnit: (lon, lat) => [(lon >= west ? lon - west : lon - west + 360) / lonSpan, (lat - south) / latSpan],
    toDegrees: (x, y) => {
      const lon = west + x * lonSpan;
      return { lon: lon > 180 ? lon - 360 : lon, lat: south + y * latSpan };
    },
  };
}

/** Which of so many equal parts of a side a share of it lies in. */
export function partOf(share: number, parts: number): number {
  return Math.min(parts - 1, Math.max(0, Math.floor(share * parts)));
}

/** The cell that holds a place given in shares of the region's sides; rows count from the south. */
export function cellOf(x: number, y: number): number {
  return partOf(y, cellsPerSide) * cellsPerSide + partOf(x, cellsPerSide);
}
