import sharp from 'sharp';
import type { Image } from '../../domain/images.ts';
import { type SessionContent, type SessionMetadata, targetsSchema } from '../../domain/content.ts';
import { type RemoteViewingImpressions, type Sketch } from '../../domain/impressions.ts';
import { UnanalyzableError } from '../errors.ts';
import { rasterise } from '../remote-viewing/raster.ts';
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
 * The session as its models read it: its image becomes one more sketch, and the image of each target of its pool the
 * `picture` that a network sees of it, which is small, however many there are.
 *
 * @throws UnanalyzableError when an image cannot be unpacked; it says where the image stood.
 */
export async function withImagesDrawn(content: SessionContent): Promise<SessionContent> {
  if (content.sessionType !== 'remote_viewing') return content;
  const { impressions, metadata } = content;
  return {
    ...content,
    ...(impressions === undefined ? {} : { impressions: await withSketchDrawn(impressions) }),
    ...(metadata === undefined ? {} : { metadata: await withTargetsDrawn(metadata) }),
  };
}

async function withSketchDrawn(impressions: RemoteViewingImpressions): Promise<RemoteViewingImpressions> {
  const { image, sketches = [], ...rest } = impressions;
  if (image === undefined) return impressions;
  const drawn = await drawingOf(image, 'impressions.image');
  const all = drawn === null ? sketches : [...sketches, drawn];
  return { ...rest, ...(all.length > 0 ? { sketches: all } : {}) };
}

async function withTargetsDrawn(metadata: SessionMetadata): Promise<SessionMetadata> {
  const targets = targetsSchema.safeParse(metadata.targets).data ?? [];
  if (targets.every(({ image }) => image === undefined)) return metadata;
  const drawn: SessionMetadata[] = [];
  // One after the other: unpacked, an image takes many times the memory of its file.
  for (const [i, { id, words, image }] of targets.entries()) {
    const drawing = image === undefined ? null : await drawingOf(image, `metadata.targets.${i}.image`);
    drawn.push({
      id,
      ...(words === undefined ? {} : { words }),
      ...(drawing === null ? {} : { picture: [...rasterise(drawing)] }),
    });
  }
  return { ...metadata, targets: drawn };
}

/**
 * An image as a line drawing: a dot wherever it stands out from its surroundings, which is where lines are in a
 * drawing and edges in a photograph. Null when nothing stands out.
 *
 * @param where The field that holds it.
 * @throws UnanalyzableError when it cannot be unpacked.
 */
export async function drawingOf({ base64 }: Image, where: string): Promise<Sketch | null> {
  const { shades, around, width, height } = await unpack(Buffer.from(base64, 'base64'), where);
  const contrast = shades.map((shade, i) => Math.abs(shade - at(around, i)));
  const most = contrast.reduce((a, b) => Math.max(a, b), 0);
  if (most < leastShade) return null;
  const points = Array.from(contrast, (value, i) => ({ value, x: i % width, y: Math.floor(i / width) }))
    .filter(({ value }) => value >= leastShare * most)
    .map(({ value, x, y }) => ({ x, y, pressure: value / most }));
  return { width, height, strokes: points.map((point) => ({ points: [point] })) };
}

/** The shades of an image from 0 to 255, as they are and averaged over their surroundings. */
async function unpack(bytes: Buffer, where: string) {
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
    throw new UnanalyzableError(`${where} could not be unpacked: the file is broken, or too large.`, { cause: error });
  }
}
