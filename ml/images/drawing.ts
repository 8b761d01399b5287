import sharp from 'sharp';
import type { Image } from '../../domain/images.ts';
import type { SessionContent, Sketch } from '../../domain/impressions.ts';
import { UnanalyzableError } from '../errors.ts';
import { at } from '../sequence.ts';

/** The longer side that an image is brought to, in pixels: ten times what a network sees of a sketch. */
const longerSide = 256;
/** A picture of more pixels than this is not unpacked: a small file may claim to be huge. */
const maxPixels = 100_000_000;
/** How far around a pixel its surroundings are taken, in pixels: a few times a pen's width. */
const surroundings = 5;
/** What stands out less than this share of what stands out most is left out, as are shades no eye would tell. */
const [leastShare, leastShade] = [0.35, 12];

/**
 * The session as its models read it: an image becomes one more sketch.
 *
 * @throws UnanalyzableError when the image cannot be unpacked.
 */
export async function withImageDrawn(content: SessionContent): Promise<SessionContent> {
  if (content.sessionType !== 'remote_viewing' || content.impressions?.image === undefined) return content;
  const { image, sketches = [], ...rest } = content.impressions;
  const drawn = await drawingOf(image);
  const all = drawn === null ? sketches : [...sketches, drawn];
  return { ...content, impressions: { ...rest, ...(all.length > 0 ? { sketches: all } : {}) } };
}

/**
 * An image as a line drawing: a dot wherever it stands out from its surroundings, which is where lines are in a
 * drawing and edges in a photograph. Null when nothing stands out.
 *
 * @throws UnanalyzableError when it cannot be unpacked.
 */
export async function drawingOf({ base64 }: Image): Promise<Sketch | null> {
  const { shades, around, width, height } = await unpack(Buffer.from(base64, 'base64'));
  const contrast = shades.map((shade, i) => Math.abs(shade - at(around, i)));
  const most = contrast.reduce((a, b) => Math.max(a, b), 0);
  if (most < leastShade) return null;
  const points = Array.from(contrast, (value, i) => ({ value, x: i % width, y: Math.floor(i / width) }))
    .filter(({ value }) => value >= leastShare * most)
    .map(({ value, x, y }) => ({ x, y, pressure: value / most }));
  return { width, height, strokes: points.map((point) => ({ points: [point] })) };
}

/** The shades of an image from 0 to 255, as they are and averaged over their surroundings. */
async function unpack(bytes: Buffer) {
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient()
      .flatten({ background: 'white' })
      .greyscale()
      .resize(longerSide, longerSide, { fit: 'inside' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const blurred = await sharp(data, { raw: { width, height, channels } })
      .blur(surroundings)
      .greyscale()
      .raw()
      .toBuffer();
    return { shades: Float32Array.from(data), around: blurred, width, height };
  } catch (error) {
    throw new UnanalyzableError('impressions.image could not be unpacked: the file is broken, or too large.', {
      cause: error,
    });
  }
}
