import { z } from 'zod';

/** The most bytes of an image, so that it fits into one request with what is recorded beside it. */
const maxImageBytes = 7_000_000;

/** How the file of each media type begins and, where it says so, ends: an image that was cut short is told by it. */
const files = {
  'image/png': (bytes: Buffer) => begins(bytes, '89504e470d0a1a0a') && bytes.includes('IEND'),
  'image/jpeg': (bytes: Buffer) => begins(bytes, 'ffd8ff') && bytes.includes('ffd9', 2, 'hex'),
  'image/webp': (bytes: Buffer) =>
    begins(bytes, '52494646') &&
    bytes.toString('latin1', 8, 12) === 'WEBP' &&
    bytes.readUInt32LE(4) + 8 <= bytes.length,
} as const;

function begins(bytes: Buffer, hex: string): boolean {
  return bytes.length > 12 && bytes.toString('hex', 0, hex.length / 2) === hex;
}

const mediaTypes = ['image/png', 'image/jpeg', 'image/webp'] as const satisfies (keyof typeof files)[];

export const imageSchema = z
  .strictObject({
    mediaType: z.enum(mediaTypes),
    base64: z.string().min(1).describe(`The file in base64, at most ${maxImageBytes} bytes of it.`),
  })
  .superRefine(({ mediaType, base64 }, context) => {
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', path: ['base64'], message });
    };
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.toString('base64').length !== base64.length) refuse('is not base64');
    else if (bytes.length > maxImageBytes) refuse(`holds more than ${maxImageBytes} bytes`);
    else if (!files[mediaType](bytes)) refuse(`is no whole file of ${mediaType}`);
  })
  .meta({ id: 'Image' });
export type Image = z.infer<typeof imageSchema>;
