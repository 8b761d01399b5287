import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { ImageType } from '../../domain/attachments.ts';
import { createImages } from './images.ts';

const images = createImages();

/** A picture of 40 × 20 whose left half is red, with everything beside it that a camera writes. */
function photograph(orientation = 1) {
  const red = { create: { width: 20, height: 20, channels: 3, background: 'red' } } as const;
  return sharp({ create: { width: 40, height: 20, channels: 3, background: 'blue' } })
    .composite([{ input: red, left: 0, top: 0 }])
    .withExif({
      IFD0: { Make: 'MARKER-CAMERA', Copyright: 'MARKER-OWNER' },
      IFD3: { GPSLatitude: '51/1 30/1 0/1', GPSLongitude: '0/1 7/1 0/1' },
    })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- MARKER-XMP --></x:xmpmeta>')
    .withMetadata({ orientation });
}

/** A PNG that says of itself that it is so wide and so high. */
function claiming(png: Buffer, side: number): Buffer {
  const header = { from: 12, to: 29 };
  const bomb = Buffer.from(png);
  bomb.writeUInt32BE(side, header.from + 4);
  bomb.writeUInt32BE(side, header.from + 8);
  bomb.writeUInt32BE(crc32(bomb.subarray(header.from, header.to)), header.to);
  return bomb;
}

const written: Record<ImageType, () => Promise<Buffer>> = {
  'image/png': () => photograph().png().toBuffer(),
  'image/jpeg': () => photograph().jpeg().toBuffer(),
  'image/webp': () => photograph().webp().toBuffer(),
};

describe('An image written anew', () => {
  test.each(Object.keys(written) as ImageType[])('of %s says nothing beside its picture (I5)', async (mediaType) => {
    const original = await written[mediaType]();
    const before = await sharp(original).metadata();
    expect(before.exif ?? before.xmp).toBeDefined();

    const anew = await images.reencode(original, mediaType);
    const { format, width, height, exif, xmp, iptc, icc, comments } = await sharp(anew).metadata();
    expect({ format, width, height }).toEqual({ format: mediaType.slice('image/'.length), width: 40, height: 20 });
    expect([exif, xmp, iptc, icc, comments].filter((said) => said !== undefined)).toEqual([]);
    expect(anew.includes('MARKER')).toBe(false);
  });

  test('has no bytes that stood behind its picture (I5)', async () => {
    const carrying = Buffer.concat([await written['image/png'](), Buffer.from('<script>MARKER</script>')]);
    expect((await images.reencode(carrying, 'image/png')).includes('MARKER')).toBe(false);
  });

  test('stands upright, since what said how to turn it is gone', async () => {
    const turned = await photograph(6).jpeg().toBuffer();
    const { width, height, orientation } = await sharp(await images.reencode(turned, 'image/jpeg')).metadata();
    expect({ width, height, orientation }).toEqual({ width: 20, height: 40, orientation: undefined });
  });

  test('that unpacks to more than may be shown is refused before it is unpacked', async () => {
    const bomb = claiming(await written['image/png'](), 60_000);
    await expect(images.reencode(bomb, 'image/png')).rejects.toMatchObject({ code: 'image_too_large' });
  });

  test.each([
    ['cut short', async () => (await written['image/jpeg']()).subarray(0, 400)],
    ['no image', () => Promise.resolve(Buffer.from('neither'))],
  ])('that is %s is refused', async (_what, make) => {
    await expect(images.reencode(await make(), 'image/jpeg')).rejects.toMatchObject({ code: 'image_unreadable' });
  });

  test('comes out beside others that are refused', async () => {
    const good = await written['image/webp']();
    const outcomes = await Promise.allSettled([
      images.reencode(Buffer.from('x'), 'image/png'),
      images.reencode(good, 'image/webp'),
      images.reencode(Buffer.from('y'), 'image/png'),
      images.thumbnailOf(good),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('A thumbnail', () => {
  test.each([
    [1_600, 800, 320, 160],
    [100, 3_200, 10, 320],
    [40, 20, 40, 20],
  ])('of %d × %d is a WebP of %d × %d', async (width, height, thumbWidth, thumbHeight) => {
    const picture = await sharp({ create: { width, height, channels: 3, background: 'green' } })
      .png()
      .toBuffer();
    const thumbnail = await sharp(await images.thumbnailOf(picture)).metadata();
    expect(thumbnail).toMatchObject({ format: 'webp', width: thumbWidth, height: thumbHeight });
  });
});
