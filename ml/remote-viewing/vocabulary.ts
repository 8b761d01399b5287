import type { ObjectName } from './drawings/objects.ts';
import type { Descriptor, Terrain } from './lexicon.ts';

/** How people put what they perceive, for the simulation; a word may stand under several. */

export const wordsOfDescriptor: Record<Descriptor, string> = {
  land: 'land, ground, earth, soil, solid ground, terrain, dirt, mud, clay, bedrock, rocky ground, open country, dust underfoot, gravel, brown earth, territory, landscape, a hill, turf, sediment, pasture',
  water:
    'water, liquid, flowing water, blue water, lake, river, sea, ocean, stream, pond, rain, splashing, waves, tide, fountain, puddle, surf, droplets, aquatic, a pool, current, reflection on water, ripples',
  structure:
    'structure, building, man-made, constructed, walls, architecture, brickwork, concrete, steel frame, columns, roof, facade, monument, built by people, scaffolding, windows and doors, masonry, foundations, girders, a construction, stonework, artificial',
  life: 'life, alive, living things, people, animals, organic, plants, breathing, crowd, creature, biological, human presence, something growing, birds, children, vegetation, a body, flesh, beings, insects',
  motion:
    'motion, movement, moving, fast, spinning, turning, running, flowing, swinging, rushing, travelling, vibrating, back and forth, rolling, speed, rotating, going past, drifting, falling down, dynamic, in transit',
  energy:
    'energy, power, electric, force, explosion, heat and light, radiation, pulsing, charged, engine running, burning, intense, flame, generator, magnetic, pressure building, high voltage, sparks, blast, vibrant',
  air: 'air, sky, wind, breeze, clouds, open air, gas, airy, mist, blowing, floating, atmosphere, draught, smoke, hovering, flying, gust, breath, weightless, vapour',
  height:
    'height, tall, high up, towering, rising up, elevated, looking down from above, steep, vertical, upwards, lofty, sky-high, reaching up, summit, drop below, cliff edge, skyscraper, going up, altitude',
  rough:
    'rough, coarse, bumpy, jagged surface, gritty, uneven, scratchy, grainy, rugged, textured, craggy, abrasive, weathered, bark, crumbling, cracked, prickly, knobbly',
  smooth:
    'smooth, polished, slick, glassy, even surface, silky, sleek, glossy, slippery, seamless, like marble, ironed, frictionless, satin, fluid surface, varnished',
  hard: 'hard, solid, stone, rigid, firm, metal, dense, rock-hard, unyielding, iron, granite, heavy and solid, concrete block, tough, stiff, steel, brittle',
  soft: 'soft, fluffy, spongy, velvety, cushioned, gentle to touch, yielding, woolly, padded, feathery, furry, moss, cotton, plush, squishy, downy, tender',
  wet: 'wet, damp, soaked, moist, dripping, humid, soggy, slimy, drenched, watery, dewy, clammy, muddy, rain-soaked, spray',
  dry: 'dry, arid, parched, dusty, sandy, dehydrated, withered, powdery, sun-baked, no moisture, bone dry, crumbly, barren, chalky',
  curved:
    'curved, round, circular, arched, spherical, domed, bent, looping, oval, swirling, rounded, bowl-shaped, ring, winding, ball-like, bulging, spiral, coil, crescent',
  angular:
    'angular, sharp corners, square, rectangular, triangular, boxy, geometric, zigzag, cubes, edges, right angles, faceted, grid, diagonal lines, crystalline, polygon, jagged angles',
  straight:
    'straight, linear, parallel lines, long line, upright lines, rows, a beam, rails, stripes, in a line, bars, column, like a rod, ruled lines, a pole, direct',
  pointed:
    'pointed, spiky, sharp tip, needle, spire, thorn, cone, tapering to a point, peak, arrow, pinnacle, spear, tip at the top, barbed, prong, fang',
  flat: 'flat, level, horizontal, plane, flat surface, even ground, table-like, spread out, sheet, low and level, plateau, floor, platform, pancake, slab',
  large:
    'large, huge, big, massive, enormous, vast, giant, immense, monumental, bulky, colossal, imposing, great size, gigantic, grand scale, overwhelming size',
  small:
    'small, tiny, little, miniature, compact, minute, petite, delicate, fits in the hand, pocket-sized, diminutive, short, slight, dainty',
  wide: 'wide, broad, expansive, open space, spacious, panoramic, stretching out, wide open, sprawling, extended, roomy, far horizon, expanse',
  narrow:
    'narrow, thin, slender, slim, tight space, constricted, confined, passage, corridor, slit, skinny, squeezed, gap, thin strip, tunnel',
  hot: 'hot, heat, burning, warm, scorching, boiling, fiery, tropical heat, sweltering, glowing hot, sun-heated, sizzling, molten, feverish',
  cold: 'cold, chilly, freezing, icy, frosty, cool air, frigid, wintry, snow, shivering, crisp and cold, bitter cold, frozen, chilled',
  bright:
    'bright, light, shining, glowing, sunlight, brilliant, gleaming, dazzling, luminous, yellow light, sparkling, radiant, glare, white light, flashing, illuminated',
  dark: 'dark, black, shadow, dim, night, gloomy, unlit, murky, shade, deep black, obscured, dusk, underground darkness, blackness, sombre',
  loud: 'loud, noise, roaring, booming, banging, rumbling, shouting, clanging, thunderous, traffic noise, crashing, siren, deafening, music, echoing, humming machines',
  quiet:
    'quiet, silent, peaceful, calm, still, hushed, tranquil, serene, no sound, whispering, restful, solitude, muted, sleepy, undisturbed',
};

export const wordsOfTerrain: Record<Terrain, string> = {
  mountain:
    'mountain, peak, summit, mountain range, steep slopes, alpine, ridge, rocky heights, high pass, cliffs above a valley, highlands, mountain top, crags, boulders on a slope, thin air, hiking up, glacial valley, foothills, mountain trail, ravine, precipice, scree',
  coast:
    'coast, beach, shore, seaside, harbour, tide coming in, sea cliffs, salt air, sand and waves, gulls, where land meets sea, surf on the shore, fishing port, promenade by the sea, shells, bay, dock, coastline, jetty, breakers, seaweed, lighthouse coast',
  river_lake:
    'river, lake, river bank, fresh water, stream through a valley, lakeside, canal, reeds, still lake water, bridge over a river, rapids, water mill, ducks on a pond, dam, wetland, creek, river bend, ferry across the river, marsh, rowing on a lake, brook, estuary',
  forest:
    'forest, woods, many trees, jungle, undergrowth, pine trees, leaves overhead, tree trunks, woodland path, green canopy, moss and ferns, rainforest, dense vegetation, forest floor, timber, grove, thicket, deer among trees, birch wood, mushrooms, shade of trees, wilderness of trees',
  desert:
    'desert, sand dunes, dry wasteland, barren land, camels, sandstorm, scorched plain of sand, no water anywhere, arid valley, oasis, endless sand, cracked dry earth, mirage, bedouin tents, hot dry wind, cactus and sand, salt flat, canyon in the desert, sun-bleached bones, mesa',
  plain:
    'plain, grassland, meadow, farmland, wheat field, prairie, flat open fields, steppe, cattle grazing, savanna, open horizon, tall grass, crops, ploughed field, wide countryside, hay, pasture land, wind over the grass, cornfield, rangeland, herd on the plain, fields as far as one sees',
  city: 'city, streets, skyscrapers, traffic, downtown, many buildings, office blocks, crowded pavement, city lights, shops, urban, apartment buildings, subway, neon signs, busy crossing, high-rise, town square with crowds, taxis, metropolis, factory district, asphalt, shopping centre',
  island:
    'island, surrounded by water, tropical island, lagoon, palm beach, coral reef, small land in the ocean, atoll, archipelago, isolated land, coconut palms, water on all sides, castaway, islet, volcanic island, turquoise lagoon, remote in the sea, snorkelling, ringed by reef, island village by boat',
  village:
    'village, cottages, small houses, farmyard, village church, hamlet, country lane, thatched roofs, barn, few houses together, village green, rural settlement, chickens in a yard, stone cottage, market day in a small place, huts, gardens and fences, chimney smoke, neighbours, well in the yard, inn, rustic',
  ice: 'ice, snow everywhere, glacier, polar, arctic, frozen sea, icebergs, white and frozen, penguins, snowfield, antarctica, tundra, blizzard, ice sheet, igloo, sledge tracks, frozen lake, permafrost, polar night, ice floe, crevasse, white emptiness',
};

export const wordsOfObject: Record<ObjectName, string> = {
  house: 'house, home, cottage, roof and walls, residence, a dwelling with windows, family house, villa',
  tower:
    'tower, tall tower, steeple, observation tower, television tower, watchtower, Eiffel tower, turret, high-rise column',
  castle: 'castle, fortress, battlements, medieval fort, stronghold, citadel, towers and walls, palace with turrets',
  church:
    'church, chapel, cathedral, bell tower with a cross, steeple and cross, place of worship, abbey, parish church',
  temple:
    'temple, columns and a pediment, shrine, Greek temple, ancient sanctuary, pillars in a row, Parthenon, sacred building',
  bridge: 'bridge, span, arches over water, suspension bridge, viaduct, crossing, footbridge, aqueduct',
  pyramid:
    'pyramid, ancient tomb, triangle of stone, Egyptian pyramid, step pyramid, four-sided and pointed, pharaoh, ziggurat',
  lighthouse:
    'lighthouse, beacon, light tower, warning light for ships, rotating light, lamp on a tower, seamark, guiding light',
  windmill: 'windmill, turning sails, wind turbine, mill, rotor blades, grain mill, blades in the wind, Dutch mill',
  fence: 'fence, railing, picket fence, barrier, wooden posts, palings, enclosure, boundary of boards',
  tent: 'tent, camp, canvas shelter, tipi, camping, marquee, wigwam, pitched canvas',
  stairs: 'stairs, steps, staircase, stairway, flight of steps, going up steps, stepped, terrace steps',
  tree: 'tree, trunk and branches, oak, pine, leafy crown, a big tree, branches, evergreen',
  palm: 'palm tree, palm, coconut tree, fronds, date palm, tropical tree, palm leaves, a trunk with a tuft',
  cactus: 'cactus, spiny plant, saguaro, prickly plant, succulent, thorns, desert plant, agave',
  flower: 'flower, blossom, petals, rose, bloom, tulip, daisy, bouquet',
  leaf: 'leaf, foliage, a green leaf, leaf veins, autumn leaf, maple leaf, blade of a plant, fern leaf',
  mountain: 'mountain, peak, snow-capped peak, summit, ridge line, rocky peak, Alps, massif',
  volcano: 'volcano, lava, crater, eruption, smoking mountain, magma, ash cloud, volcanic cone',
  waterfall:
    'waterfall, falls, cascade, water plunging, falling water, torrent over a cliff, curtain of water, rapids and spray',
  wave: 'wave, waves, breaker, swell, surf, rolling water, crest of a wave, ripples',
  sun: 'sun, sunshine, sunrise, solar disc, sunset, rays of light, daylight star, blazing sun',
  moon: 'moon, crescent, full moon, lunar, moonlight, half moon, craters on a disc, night light in the sky',
  star: 'star, stars, starry, five-pointed shape, twinkling, constellation, star symbol, pentagram',
  cloud: 'cloud, clouds, fluffy white shape, overcast, fog bank, cumulus, rain cloud, haze',
  lightning:
    'lightning, bolt, thunderstorm, flash, electric discharge, zigzag of light, thunderbolt, spark across the sky',
  person: 'person, man, woman, human figure, somebody standing, child, a figure, statue of a man',
  face: 'face, head, portrait, smiling, eyes and mouth, expression, mask, human head',
  eye: 'eye, looking, pupil, gaze, iris, being watched, eyeball, eyelashes',
  fish: 'fish, swimming animal, fins, trout, scales and tail, shark, goldfish, salmon',
  bird: 'bird, wings, flying bird, gull, feathers, eagle, beak, sparrow',
  snake: 'snake, serpent, slithering, winding animal, viper, long and coiled, reptile, python',
  butterfly: 'butterfly, moth, fluttering wings, colourful insect, winged insect, delicate wings, chrysalis, dragonfly',
  animal: 'animal, horse, dog, four legs, cow, deer, beast, cattle',
  boat: 'boat, ship, sailing boat, vessel, hull, yacht, mast and sail, ferry',
  car: 'car, vehicle, automobile, driving, motor car, four wheels, taxi, truck',
  train: 'train, railway, locomotive, carriages, tracks, steam engine, tram, wagons',
  aeroplane: 'aeroplane, plane, aircraft, jet, wings and engines, airliner, flying machine, glider',
  rocket: 'rocket, missile, launch, spaceship, lift-off, space shuttle, projectile, thrusters',
  wheel: 'wheel, spokes, rotating disc, tyre, Ferris wheel, cartwheel, gear, hub and rim',
  ball: 'ball, sphere, globe, football, round object, bowling ball, orb, bubble',
  cup: 'cup, mug, goblet, drinking vessel, teacup, chalice, glass, bowl with a handle',
  umbrella: 'umbrella, parasol, sunshade, canopy on a stick, rain cover, folding shelter, awning, dome with a handle',
  clock: 'clock, watch, dial, time, hands on a dial, clock face, ticking, timepiece',
  spiral: 'spiral, swirl, coil, whirlpool, helix, vortex, curl, snail shell',
  flag: 'flag, banner, pennant, cloth on a pole, flagpole, ensign, standard, waving cloth',
  ladder: 'ladder, rungs, climbing frame, step ladder, rope ladder, rungs to climb, fire escape, scaffold ladder',
  road: 'road, highway, street, path, lane, track leading away, motorway, route',
};

const phrasesSeparator = ', ';

/** The phrases of one entry of the vocabulary. */
export function phrasesOf(words: string): string[] {
  return words.split(phrasesSeparator);
}
