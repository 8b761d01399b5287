import { expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import type { Image } from '../../domain/images.ts';
import { type SessionContent, sessionContentSchema } from '../../domain/content.ts';
import { type Sketch } from '../../domain/impressions.ts';
import { UnanalyzableError } from '../errors.ts';
import { rasterise } from '../remote-viewing/raster.ts';
import { drawingOf, withImagesDrawn } from './drawing.ts';

const [width, height] = [320, 360];
const where = 'impressions.image';

type Line = readonly (readonly [x: number, y: number])[];

/** A house as a person would draw it. */
const house: Line[] = [
  [
    [80, 280],
    [80, 160],
    [240, 160],
    [240, 280],
    [80, 280],
  ],
  [
    [70, 165],
    [160, 80],
    [250, 165],
  ],
  [
    [140, 280],
    [140, 220],
    [180, 220],
    [180, 280],
  ],
];
const ring: Line[] = [
  Array.from({ length: 41 }, (_, i) => [
    160 + 90 * Math.cos((i * Math.PI) / 20),
    180 + 90 * Math.sin((i * Math.PI) / 20),
  ]),
];

function sketchOf(lines: readonly Line[]): Sketch {
  return { width, height, strokes: lines.map((line) => ({ points: line.map(([x, y]) => ({ x, y })) })) };
}

/** The lines on paper, as a file. */
async function fileOf(lines: readonly Line[], { ink = 'black', paper = 'white', pen = 5 } = {}): Promise<Sharp> {
  const drawn = lines.map(
    (line) => `<polyline points="${line.join(' ')}" fill="none" stroke="${ink}" stroke-width="${pen}"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${paper}"/>${drawn.join('')}</svg>`;
  return sharp(await sharp(Buffer.from(svg)).png().toBuffer());
}

async function png(file: Sharp): Promise<Image> {
  return { mediaType: 'image/png', base64: (await file.png().toBuffer()).toString('base64') };
}

/** How alike two pictures are, from 0 to 1: the cosine. */
function alike(a: Sketch | null, b: Sketch): number {
  if (a === null) return 0;
  const [x, y] = [rasterise(a), rasterise(b)];
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

test.each([
  ['ink on paper', { ink: 'black', paper: 'white', pen: 5 }],
  ['a fine pencil', { ink: '#888', paper: '#f4f0e8', pen: 2 }],
  ['a thick marker', { ink: '#224', paper: 'white', pen: 14 }],
  ['chalk on a blackboard', { ink: 'white', paper: '#223', pen: 6 }],
])('a drawing in %s is seen as the same drawing in strokes is (M1)', async (_how, style) => {
  const drawn = await drawingOf(await png(await fileOf(house, style)), where);
  expect(alike(drawn, sketchOf(house))).toBeGreaterThan(0.75);
  expect(alike(drawn, sketchOf(house))).toBeGreaterThan(alike(drawn, sketchOf(ring)) + 0.2);
});

test('the shadow that lies over a photographed page does not count as drawn (M1)', async () => {
  const shadow = `<svg width="${width}" height="${height}"><defs><linearGradient id="g"><stop offset="0" stop-color="black" stop-opacity="0.6"/><stop offset="1" stop-color="black" stop-opacity="0"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  const page = (await fileOf(house)).composite([{ input: Buffer.from(shadow) }]);
  expect(alike(await drawingOf(await png(page), where), sketchOf(house))).toBeGreaterThan(0.7);
});

test('JPEG and WebP are read as PNG is (M1)', async () => {
  const file = await fileOf(house);
  const jpeg = (await file.clone().jpeg().toBuffer()).toString('base64');
  const webp = (await file.clone().webp().toBuffer()).toString('base64');
  expect(alike(await drawingOf({ mediaType: 'image/jpeg', base64: jpeg }, where), sketchOf(house))).toBeGreaterThan(
    0.75,
  );
  expect(alike(await drawingOf({ mediaType: 'image/webp', base64: webp }, where), sketchOf(house))).toBeGreaterThan(
    0.75,
  );
});

test('an empty page holds no drawing (M1)', async () => {
  expect(await drawingOf(await png(await fileOf([])), where)).toBeNull();
});

test('an image becomes one more sketch of its session, and every sketch lies on its canvas (M1)', async () => {
  const image = await png(await fileOf(house));
  const content: SessionContent = {
    sessionType: 'remote_viewing',
    cue: '4821-0937',
    impressions: { words: ['tall'], sketches: [sketchOf(ring)], image },
  };
  const drawn = sessionContentSchema.parse(await withImagesDrawn(content));
  expect(drawn).toMatchObject({ cue: content.cue, impressions: { words: ['tall'] } });
  expect(drawn.impressions).not.toHaveProperty('image');
  expect(drawn.impressions).toHaveProperty('sketches.length', 2);
  const without: SessionContent = { ...content, impressions: { words: ['tall'] } };
  expect(await withImagesDrawn(without)).toEqual(without);
});

test('the images of a pool become small pictures, and the rest of the pool stays as it is (M1, M5)', async () => {
  const image = await png(await fileOf(house));
  const content: SessionContent = {
    sessionType: 'remote_viewing',
    cue: '4821-0937',
    impressions: { words: ['tall'] },
    metadata: {
      training_consent: true,
      targets: [
        { id: 'seen', image },
        { id: 'both', words: ['house'], image },
        { id: 'empty', image: await png(await fileOf([])) },
        { id: 'told', words: ['sea'] },
      ],
    },
  };
  const picture = [...rasterise((await drawingOf(image, where)) ?? sketchOf([]))];
  expect((await withImagesDrawn(content)).metadata).toEqual({
    training_consent: true,
    targets: [
      { id: 'seen', picture },
      { id: 'both', words: ['house'], picture },
      { id: 'empty' },
      { id: 'told', words: ['sea'] },
    ],
  });
});

test('a file that is broken inside is refused with its name, and says nothing of what was in it (M1)', async () => {
  const { mediaType, base64 } = await png(await fileOf(house));
  const bytes = Buffer.from(base64, 'base64');
  bytes.fill(0, 60, bytes.length - 20);
  const broken = drawingOf({ mediaType, base64: bytes.toString('base64') }, where);
  await expect(broken).rejects.toThrow(UnanalyzableError);
  await expect(broken).rejects.toThrow('impressions.image');
  const targets = [
    { id: 'a', words: ['sea'] },
    { id: 'b', image: { mediaType, base64: bytes.toString('base64') } },
  ];
  const pool = withImagesDrawn({ sessionType: 'remote_viewing', cue: '4821-0937', metadata: { targets } });
  await expect(pool).rejects.toThrow('metadata.targets.1.image could not be unpacked');
});
