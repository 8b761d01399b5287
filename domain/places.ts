/** A place on the globe, in degrees. */
export interface Place {
  readonly lon: number;
  readonly lat: number;
}

/** Radians in a degree. */
export const degree = Math.PI / 180;

const earthRadiusKm = 6_371;

/** Along a great circle, by the haversine formula (Sinnott 1984). */
export function distanceKm(a: Place, b: Place): number {
  const [dLat, dLon] = [(b.lat - a.lat) * degree, (b.lon - a.lon) * degree];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * degree) * Math.cos(b.lat * degree) * Math.sin(dLon / 2) ** 2;
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)));
}
