import sharp from 'sharp';
import type { ImageType, RejectionCode } from '../../domain/attachments.ts';

/** Thrown when a file is not what was said of it. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError';
  readonly code: RejectionCode;

  constructor(code: RejectionCode, options?: ErrorOptions) {
    super(`The attachment is rejected: ${code}`, options);
    this.code = code;
  }
}

/** A small file can unpack to any size; the largest cameras of phones stay within this. */
const maxPixels = 50_000_000;
/** The longer side of a thumbnail. */
const thumbnailPixels = 320;

/** How images are written anew. */
export interface Images {
  /**
   * The same picture, upright, and nothing else that the file said: no place, no camera, no time, no hidden bytes.
   * Of an animation, its first picture.
   *
   * @throws RejectedError
   */
  reencode(bytes: Uint8Array, mediaType: ImageType): Promise<Buffer>;
  /** A small WebP of it. */
  thumbnailOf(bytes: Uint8Array): Promise<Buffer>;
}

/** An unpacked image takes up to 400 MB, so a worker unpacks one at a time. */
export function createImages(): Images {
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  }

  return {
    reencode: (bytes, mediaType) => inTurn(() => reencode(bytes, mediaType)),
    thumbnailOf: (bytes) =>
      inTurn(() =>
        sharp(bytes, { limitInputPixels: maxPixels })
          .resize(thumbnailPixels, thumbnailPixels, { fit: 'inside', withoutEnlargement: true })
          .webp()
          .toBuffer(),
      ),
  };
}

async function reencode(bytes: Uint8Array, mediaType: ImageType): Promise<Buffer> {
  try {
    // The size stands at the beginning of the file, so a bomb is told before anything is unpacked.
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > maxPixels) throw new RejectedError('image_too_large');
    const upright = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' }).autoOrient();
    switch (mediaType) {
      case 'image/png':
        return await upright.png().toBuffer();
      case 'image/jpeg':
        return await upright.jpeg({ quality: 90 }).toBuffer();
      case 'image/webp':
        return await upright.webp({ quality: 90 }).toBuffer();
    }
  } catch (error) {
    if (error instanceof RejectedError) throw error;
    throw new RejectedError('image_unreadable', { cause: error });
  }
}
