import { at } from '../sequence.ts';
import type { Sketch } from '../../domain/impressions.ts';

/** Pixels on each side of the picture that the network sees. */
export const side = 28;
const margin = 2;

/**
 * Draws a sketch as the network sees it: cut to what was drawn, its proportions kept, lines about a pixel and a half
 * wide with soft edges. Row-major, 0 (paper) to 1 (ink).
 */
export function rasterise(sketch: Sketch): Float32Array {
  const picture = new Float32Array(side * side);
  const points = sketch.strokes.flatMap((stroke) => stroke.points);
  const [left, right] = extent(points.map(({ x }) => x));
  const [top, bottom] = extent(points.map(({ y }) => y));
  const scale = (side - 1 - 2 * margin) / Math.max(right - left, bottom - top, 1e-9);
  const place = ({ x, y }: { x: number; y: number }) => ({
    x: (side - 1) / 2 + (x - (left + right) / 2) * scale,
    y: (side - 1) / 2 + (y - (top + bottom) / 2) * scale,
  });
  for (const { points: drawn } of sketch.strokes) {
    let from: { x: number; y: number } | undefined;
    for (const point of drawn) {
      const to = place(point);
      ink(picture, from ?? to, to);
      from = to;
    }
  }
  return picture;
}

function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** Inks every pixel near a segment; darker the nearer. */
function ink(picture: Float32Array, from: { x: number; y: number }, to: { x: number; y: number }): void {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const lengthSquared = dx * dx + dy * dy;
  const reach = 1.5;
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
      picture[index] = Math.max(at(picture, index), Math.min(1, Math.max(0, reach - Math.sqrt(distanceSquared))));
    }
  }
}
