import type { TerrainRead } from './lexicon.ts';

export interface Place {
  readonly name: string;
  readonly country: string;
  /** Degrees. */
  readonly lon: number;
  /** Degrees. */
  readonly lat: number;
  readonly terrain: readonly TerrainRead[];
}

function place(name: string, country: string, lon: number, lat: number, ...terrain: TerrainRead[]): Place {
  return { name, country, lon, lat, terrain };
}

/** A short table of well-known places by what surrounds them; the geography of the first form knows no others. */
export const places: readonly Place[] = [
  place('Matterhorn', 'Switzerland', 7.658, 45.976, 'mountain'),
  place('Mount Everest', 'Nepal', 86.925, 27.988, 'mountain'),
  place('Mount Fuji', 'Japan', 138.727, 35.361, 'mountain'),
  place('Machu Picchu', 'Peru', -72.545, -13.163, 'mountain', 'forest'),
  place('Kilimanjaro', 'Tanzania', 37.355, -3.067, 'mountain', 'plain'),
  place('Cliffs of Moher', 'Ireland', -9.431, 52.972, 'coast'),
  place('Big Sur', 'United States', -121.808, 36.27, 'coast', 'forest'),
  place('Amalfi Coast', 'Italy', 14.603, 40.634, 'coast'),
  place('Great Barrier Reef', 'Australia', 147.7, -18.287, 'coast', 'island'),
  place('Cape of Good Hope', 'South Africa', 18.474, -34.357, 'coast'),
  place('Niagara Falls', 'Canada', -79.074, 43.083, 'river_lake'),
  place('Lake Baikal', 'Russia', 108.165, 53.559, 'river_lake', 'forest'),
  place('Lake Victoria', 'Uganda', 33.0, -1.0, 'river_lake'),
  place('Victoria Falls', 'Zambia', 25.857, -17.924, 'river_lake'),
  place('Rhine Gorge', 'Germany', 7.694, 50.15, 'river_lake'),
  place('Amazon rainforest', 'Brazil', -62.215, -3.465, 'forest', 'river_lake'),
  place('Black Forest', 'Germany', 8.2, 48.0, 'forest'),
  place('Redwood National Park', 'United States', -124.005, 41.213, 'forest'),
  place('Congo Basin', 'DR Congo', 21.0, 0.5, 'forest'),
  place('Arashiyama bamboo grove', 'Japan', 135.672, 35.017, 'forest'),
  place('Pyramids of Giza', 'Egypt', 31.134, 29.979, 'desert'),
  place('Sahara, Merzouga', 'Morocco', -4.013, 31.099, 'desert'),
  place('Uluru', 'Australia', 131.037, -25.344, 'desert'),
  place('Atacama Desert', 'Chile', -69.132, -23.863, 'desert'),
  place('Monument Valley', 'United States', -110.098, 36.998, 'desert'),
  place('Stonehenge', 'United Kingdom', -1.826, 51.179, 'plain'),
  place('Serengeti', 'Tanzania', 34.833, -2.333, 'plain'),
  place('Great Plains, Kansas', 'United States', -98.5, 38.5, 'plain'),
  place('Pampas', 'Argentina', -62.0, -35.5, 'plain'),
  place('Kazakh Steppe', 'Kazakhstan', 68.0, 49.0, 'plain'),
  place('New York', 'United States', -74.006, 40.713, 'city', 'coast'),
  place('Paris', 'France', 2.352, 48.857, 'city', 'river_lake'),
  place('Tokyo', 'Japan', 139.692, 35.69, 'city'),
  place('Cairo', 'Egypt', 31.236, 30.044, 'city', 'desert'),
  place('London', 'United Kingdom', -0.128, 51.507, 'city', 'river_lake'),
  place('Bora Bora', 'French Polynesia', -151.742, -16.5, 'island'),
  place('Easter Island', 'Chile', -109.349, -27.113, 'island', 'plain'),
  place('Santorini', 'Greece', 25.432, 36.393, 'island', 'coast'),
  place('Maui', 'United States', -156.331, 20.798, 'island', 'mountain'),
  place('Zanzibar', 'Tanzania', 39.199, -6.165, 'island', 'coast'),
];
