import { geoDistance } from 'd3-geo';

/** Degrees. */
export interface Point {
  readonly lon: number;
  readonly lat: number;
}

export const earthRadiusKm = 6_371.009;
export const kmPerDegree = (earthRadiusKm * Math.PI) / 180;

/** Along a great circle, on the globe that the maps here are drawn on. */
export function distanceKm(a: Point, b: Point): number {
  return earthRadiusKm * geoDistance([a.lon, a.lat], [b.lon, b.lat]);
}

/** Many points on the globe, asked which of them lie near: kept by cells of a degree. */
export class NearbyPoints<T extends Point> {
  readonly #cells = new Map<string, T[]>();

  constructor(points: Iterable<T>) {
    for (const point of points) {
      const key = keyOf(Math.floor(point.lon), Math.floor(point.lat));
      const cell = this.#cells.get(key);
      if (cell === undefined) this.#cells.set(key, [point]);
      else cell.push(point);
    }
  }

  /** One of the points within the distance, the nearest; undefined where there is none. */
  nearest(from: Point, withinKm: number): T | undefined {
    let best: T | undefined;
    let bestKm = withinKm;
    for (const point of this.#around(from, withinKm)) {
      const km = distanceKm(from, point);
      if (km <= bestKm) [best, bestKm] = [point, km];
    }
    return best;
  }

  *#around({ lon, lat }: Point, km: number): Generator<T> {
    const rows = km / kmPerDegree;
    // A degree of longitude is shorter near the poles; at a pole itself every cell of the row is near.
    const columns = Math.min(
      180,
      rows / Math.max(1e-6, Math.cos((Math.min(90, Math.abs(lat) + rows) * Math.PI) / 180)),
    );
    for (let row = Math.floor(lat - rows); row <= Math.floor(lat + rows); row++) {
      for (let column = Math.floor(lon - columns); column <= Math.floor(lon + columns); column++) {
        yield* this.#cells.get(keyOf(column, row)) ?? [];
      }
    }
  }
}

function keyOf(column: number, row: number): string {
  return `${((column + 540) % 360) - 180},${row}`;
}
