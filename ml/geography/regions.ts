import { readFileSync } from 'node:fs';
import { geoInterpolate } from 'd3-geo';
import { z } from 'zod';
import { type Terrain, terrainNames } from '../remote-viewing/lexicon.ts';
import { distanceKm, kmPerDegree, type Point } from './points.ts';

/** A great landform, coarsely: all that lies within its reach of a line. */
interface Region {
  readonly kind: Terrain;
  readonly reachKm: number;
  /** The line, as points that lie no further from each other than half the reach. */
  readonly spine: readonly Point[];
}

const lineSchema = z.tuple([
  z.enum(terrainNames),
  z.string(),
  z.coerce.number().positive(),
  z.string().transform((spine) => spine.split(',').map((point) => pointSchema.parse(point.trim().split(' ')))),
]);
const pointSchema = z
  .tuple([z.coerce.number().min(-180).max(180), z.coerce.number().min(-90).max(90)])
  .transform(([lon, lat]): Point => ({ lon, lat }));

const regions = readFileSync(new URL('regions.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line): Region => {
    const [kind, , reachKm, points] = lineSchema.parse(line.split('|').map((part) => part.trim()));
    return { kind, reachKm, spine: thicken(points, reachKm / 2) };
  });

/** Puts points between the given ones, along the shortest way. */
function thicken(points: readonly Point[], stepKm: number): Point[] {
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return [point];
    const steps = Math.ceil(distanceKm(point, next) / stepKm);
    const between = geoInterpolate([point.lon, point.lat], [next.lon, next.lat]);
    return Array.from({ length: steps }, (_, step): Point => {
      const [lon, lat] = between(step / steps);
      return { lon, lat };
    });
  });
}

/** Which kinds of landform a point lies in. */
export function landformsAt(point: Point): Set<Terrain> {
  return new Set(
    regions.filter(({ reachKm, spine }) => spine.some((at) => isWithin(reachKm, at, point))).map(({ kind }) => kind),
  );
}

/** Latitude alone tells most points apart, at less cost. */
function isWithin(km: number, a: Point, b: Point): boolean {
  return Math.abs(a.lat - b.lat) * kmPerDegree <= km && distanceKm(a, b) <= km;
}
