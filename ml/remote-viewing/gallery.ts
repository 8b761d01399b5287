import sharp from 'sharp';
import type { Sketch } from '../../domain/impressions.ts';
import { drawingOf } from '../images/drawing.ts';
import type { Random } from '../random.ts';
import { drawSketch, type Hand } from './drawings/hand.ts';
import { type ObjectName, objectNames } from './drawings/objects.ts';
import { rasterise } from './raster.ts';

/** Simulated pictures of every thing, as they are seen by their edges. */
export type Gallery = ReadonlyMap<ObjectName, readonly Float32Array[]>;

const picturesOfEach = 8;
/** The longer side of a picture, and how thick its lines are, in pixels. */
const [longerSide, thickness] = [512, 4];

/** Draws pictures of every thing by a hand, and reads them from their files as those of a person are read. */
export async function paintGallery(random: Random, hand: Hand): Promise<Gallery> {
  const gallery = new Map<ObjectName, Float32Array[]>();
  for (const name of objectNames) {
    const pictures: Float32Array[] = [];
    for (let i = 0; i < picturesOfEach; i++) {
      const file = await fileOf(drawSketch(random, name, hand));
      const drawing = await drawingOf({ mediaType: 'image/png', base64: file.toString('base64') }, name);
      if (drawing !== null) pictures.push(rasterise(drawing));
    }
    gallery.set(name, pictures);
  }
  return gallery;
}

/** A sketch in ink on paper, as a PNG file. */
export async function fileOf({ width, height, strokes }: Sketch): Promise<Buffer> {
  const scale = longerSide / Math.max(width, height);
  const lines = strokes.map(({ points }) => {
    const path = points.map(({ x, y }) => `${x * scale},${y * scale}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="black" stroke-width="${thickness}" stroke-linecap="round"/>`;
  });
  const paper = '<rect width="100%" height="100%" fill="white"/>';
  const size = `width="${Math.ceil(width * scale)}" height="${Math.ceil(height * scale)}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${paper}${lines.join('')}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
