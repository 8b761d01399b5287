import { geoArea } from 'd3-geo';
import type { Position } from 'geojson';
import { feature } from 'topojson-client';
import topology from 'world-atlas/land-10m.json' with { type: 'json' };
import { earthRadiusKm, NearbyPoints, type Point } from './points.ts';

/** A continent or an island. */
export interface Landmass {
  /** Grows while the map is read. */
  areaKm2: number;
}

interface CoastPoint extends Point {
  readonly landmass: Landmass;
}

/** A piece of a coast; its longitudes may go on beyond 180, so that it never jumps over the antimeridian. */
interface Edge {
  readonly landmass: Landmass;
  readonly from: Point;
  readonly to: Point;
}

/** The map is cut here: what touches it on both sides at the same latitude is one landmass, and the cut is no coast. */
const antimeridian = 180;

const edgesByLon = new Map<number, Edge[]>();
const coast: CoastPoint[] = [];
const landmassOnCut = new Map<number, Landmass>();

for (const rings of polygons()) {
  const onCut = rings.flat().flatMap(([lon = 0, lat = 0]) => (Math.abs(lon) === antimeridian ? [lat] : []));
  const landmass = onCut.map((lat) => landmassOnCut.get(lat)).find((found) => found !== undefined) ?? { areaKm2: 0 };
  landmass.areaKm2 += areaOf(rings);
  for (const lat of onCut) landmassOnCut.set(lat, landmass);
  for (const ring of rings) {
    const points = ring.map(([lon = 0, lat = 0]): Point => ({ lon, lat }));
    points.forEach((to, i) => {
      const from = points[i - 1];
      if (from === undefined) return;
      if (Math.abs(to.lon) !== antimeridian) coast.push({ ...to, landmass });
      const lon = to.lon - 360 * Math.round((to.lon - from.lon) / 360);
      addEdge({ landmass, from, to: { lon, lat: to.lat } });
    });
  }
}
const coastPoints = new NearbyPoints(coast);

function polygons(): Position[][][] {
  return feature(topology, topology.objects.land).features.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return [geometry.coordinates];
    return geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  });
}

/** A few tiny islands are drawn the wrong way round, and would be all the world without them. */
function areaOf(rings: Position[][]): number {
  const steradians = geoArea({ type: 'Polygon', coordinates: rings });
  return Math.min(steradians, 4 * Math.PI - steradians) * earthRadiusKm ** 2;
}

function addEdge(edge: Edge) {
  const [west, east] = [edge.from.lon, edge.to.lon].toSorted((a, b) => a - b);
  for (let lon = Math.floor(west ?? 0); lon <= Math.floor(east ?? 0); lon++) {
    const edges = edgesByLon.get(columnOf(lon));
    if (edges === undefined) edgesByLon.set(columnOf(lon), [edge]);
    else edges.push(edge);
  }
}

function columnOf(lon: number): number {
  return ((Math.floor(lon) + 540) % 360) - 180;
}

/**
 * The landmass that a point lies on, if any: going from it to the North Pole, which lies in the sea, one crosses the
 * coasts of that landmass an odd number of times, and those of any other an even number.
 */
export function landmassAt({ lon, lat }: Point): Landmass | undefined {
  const inside = new Set<Landmass>();
  for (const { landmass, from, to } of edgesByLon.get(columnOf(lon)) ?? []) {
    const here = lon + 360 * Math.round(((from.lon + to.lon) / 2 - lon) / 360);
    if (from.lon <= here === to.lon <= here) continue;
    const crossing = from.lat + ((here - from.lon) / (to.lon - from.lon)) * (to.lat - from.lat);
    if (crossing <= lat) continue;
    if (!inside.delete(landmass)) inside.add(landmass);
  }
  return [...inside][0];
}

/** The nearest point of a coast, if one lies within the distance; coasts are known to about 2 km. */
export function nearestCoast(point: Point, withinKm: number): CoastPoint | undefined {
  return coastPoints.nearest(point, withinKm);
}
