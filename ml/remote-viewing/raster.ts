import type { Sketch } from '../../domain/impressions.ts';
import type { NamedTensor } from '../tensors.ts';

/** Pixels on each side of the picture that the network sees. */
export const side = 28;
const margin = 1;
/** How far from the middle of a line its ink reaches, in pixels. */
const reach = 1.5;
/** Shades of ink: few, so that pictures of a training take little room. */
const shades = 16;

type StrokePoint = Sketch['strokes'][number]['points'][number];

/**
 * Draws a sketch as the network sees it: cut to what was drawn, its proportions kept, lines about a pixel and a half
 * wide with soft edges, fainter where the pen is known to have pressed less. Row-major, 0 (paper) to 1 (ink).
 */
export function rasterise(sketch: Sketch): Float32Array {
  const picture = new Float32Array(side * side);
  const { left, right, top, bottom } = extent(sketch);
  const scale = (side - 1 - 2 * margin) / Math.max(right - left, bottom - top, 1e-9);
  const place = ({ x, y, pressure = 1 }: StrokePoint) => ({
    x: (side - 1) / 2 + (x - (left + right) / 2) * scale,
    y: (side - 1) / 2 + (y - (top + bottom) / 2) * scale,
    shade: 0.4 + 0.6 * pressure,
  });
  for (const { points } of sketch.strokes) {
    let from: Inked | undefined;
    for (const point of points) {
      const to = place(point);
      ink(picture, from ?? to, to);
      from = to;
    }
  }
  return picture.map((value) => Math.round(value * shades) / shades);
}

/** Pictures on top of each other, [pictures, side, side, 1]. */
export function stackPictures(pictures: readonly Float32Array[]): NamedTensor {
  const values = new Float32Array(pictures.length * side * side);
  pictures.forEach((picture, i) => {
    values.set(picture, i * side * side);
  });
  return { shape: [pictures.length, side, side, 1], values };
}

function extent({ strokes }: Sketch): { left: number; right: number; top: number; bottom: number } {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { points } of strokes) {
    for (const { x, y } of points) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return { left, right, top, bottom };
}

/** A point of the pen in pixels, with how dark its ink is. */
interface Inked {
  readonly x: number;
  readonly y: number;
  readonly shade: number;
}

/** Inks every pixel near a segment; darker the nearer. */
function ink(picture: Float32Array, from: Inked, to: Inked): void {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const lengthSquared = dx * dx + dy * dy;
  const shade = (from.shade + to.shade) / 2;
  const firstY = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
  const lastY = Math.min(side - 1, Math.ceil(Math.max(from.y, to.y) + reach));
  const firstX = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
  const lastX = Math.min(side - 1, Math.ceil(Math.max(from.x, to.x) + reach));
  for (let y = firstY; y <= lastY; y++) {
    for (let x = firstX; x <= lastX; x++) {
      const along = lengthSquared === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / lengthSquared;
      const t = Math.min(1, Math.max(0, along));
      const [offX, offY] = [x - from.x - t * dx, y - from.y - t * dy];
      const distanceSquared = offX * offX + offY * offY;
      if (distanceSquared >= reach * reach) continue;
      const index = y * side + x;
      const dark = shade * Math.min(1, reach - Math.sqrt(distanceSquared));
      if (dark > (picture[index] ?? NaN)) picture[index] = dark;
    }
  }
}
