/** What viewers perceive first: the gestalts, and the plainest shapes. The order is that of the network's outputs. */
export const descriptorNames = [
  'land',
  'water',
  'structure',
  'life',
  'motion',
  'energy',
  'air',
  'height',
  'curved',
  'angular',
] as const;
export type Descriptor = (typeof descriptorNames)[number];

/** The kinds of surroundings that the network of version 1 tells apart. */
export const terrainsRead = ['mountain', 'coast', 'river_lake', 'forest', 'desert', 'plain', 'city', 'island'] as const;
export type TerrainRead = (typeof terrainsRead)[number];

/** Terrain and settlement: the kinds of surroundings that places are ranked by. A place may be of several. */
export const terrainNames = [...terrainsRead, 'village', 'ice'] as const;
export type Terrain = (typeof terrainNames)[number];

/** Everything a word can point to. */
export const tagNames = [...descriptorNames, ...terrainsRead] as const;
export type Tag = (typeof tagNames)[number];

/** Words (English, in their base form) by what they point to; a word may stand under several. */
const wordsByTag: Record<Tag, string> = {
  land: 'land ground earth soil rock stone dirt field grass hill sand mud clay gravel cliff terrain dust brown dry',
  water:
    'water sea ocean lake river wave stream pond rain wet blue liquid tide foam splash flow fountain waterfall ice harbour harbor swim',
  structure:
    'structure building house wall tower bridge roof door window brick concrete steel metal column arch temple church castle ruin gate fence monument manmade pyramid dome stair',
  life: 'life alive person people man woman child crowd animal bird fish tree plant flower green leaf body face dog horse organic biological',
  motion:
    'motion moving fast run spin flow fly turn rush drive traffic travel swing fall rotate speed wheel boat train car vehicle',
  energy:
    'energy hot fire electric light bright power loud noise heat explosion vibration engine sun glow flame machine radiation storm',
  air: 'air sky wind cloud breeze open space fly bird plane smoke gas fog mist balloon',
  height: 'high tall height up tower mountain peak cliff vertical summit steep above top skyscraper mast',
  curved: 'round curved circle ball sphere dome arch wave bend oval ring smooth loop wheel soft',
  angular: 'angular sharp square corner triangle pointed straight pyramid edge star line rectangle box spike grid',
  mountain: 'mountain peak summit steep snow alp ridge valley glacier slope volcano rock cliff cold high',
  coast: 'coast beach shore sea ocean harbour harbor tide cliff lighthouse wave salt gull sand boat',
  river_lake: 'river lake stream bridge bank waterfall pond reed canal fresh boat dam valley',
  forest: 'forest tree wood leaf green jungle pine shade moss trunk bird dense trail plant',
  desert: 'desert sand dune dry hot sun arid camel dust pyramid yellow heat barren',
  plain: 'plain field grass flat farm horizon wheat open meadow wide road cattle wind',
  city: 'city street building traffic people skyscraper concrete noise crowd tower car square road light window',
  island: 'island palm sea beach surrounded lagoon reef ocean tropical isolated volcano boat',
};

const tagsByWord = new Map<string, Set<Tag>>();
for (const tag of tagNames) {
  for (const word of wordsByTag[tag].split(' ')) tagsByWord.set(word, (tagsByWord.get(word) ?? new Set()).add(tag));
}

/** Words that the simulation draws from for a tag. */
export function wordsOf(tag: Tag): string[] {
  return wordsByTag[tag].split(' ');
}

/** Every word the lexicon knows. */
export const knownWords: readonly string[] = [...tagsByWord.keys()];

const endings = ['', 's', 'es', 'ed', 'ing', 'ly', 'y', 'er', 'ish', 'ness'];

/** The words of a text in any script, in lower case. */
export function tokenise(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}]+/gu) ?? []
  );
}

/** The base form that the lexicon knows a word by, or undefined: "waves" and "rocky" are found, "Wellen" is not. */
export function baseForm(word: string): string | undefined {
  for (const ending of endings) {
    if (!word.endsWith(ending)) continue;
    const stem = word.slice(0, word.length - ending.length);
    const known = [stem, `${stem}e`, stem.replace(/(.)\1$/u, '$1')].find((form) => tagsByWord.has(form));
    if (known !== undefined) return known;
  }
  return undefined;
}

/** What a known word points to. */
export function tagsOf(base: string): ReadonlySet<Tag> {
  return tagsByWord.get(base) ?? new Set();
}
