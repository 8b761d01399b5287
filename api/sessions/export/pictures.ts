import type { Sketch } from '../../../domain/impressions.ts';

/** What a person drew or swung, as SVG: black lines on white, as on paper. */

interface Point {
  x: number;
  y: number;
}

/** The longer side of a picture, in pixels. */
const longSide = 1_200;

/** The strokes as they were drawn, as SVG with the proportions of the sheet. */
export function sketchPicture({ width, height, strokes }: Sketch): string {
  const frame = { x: 0, y: 0, width, height };
  const lineWidth = Math.max(width, height) / 200;
  const lines = strokes.map(({ points }) => lineThrough(points, lineWidth));
  return pictureOf(frame, lines.join('\n'));
}

/** A pendulum or rod over time; a ring marks where it began, a dot where it ended. */
export function tracePicture(points: readonly Point[]): string {
  const frame = frameAround(points);
  const size = Math.max(frame.width, frame.height);
  const [first, last] = [points[0], points.at(-1)];
  const marks = [
    first &&
      `<circle cx="${first.x}" cy="${first.y}" r="${size / 60}" fill="none" stroke="#06c" stroke-width="${size / 250}"/>`,
    last && `<circle cx="${last.x}" cy="${last.y}" r="${size / 80}" fill="#c30"/>`,
  ];
  return pictureOf(frame, [lineThrough(points, size / 400), ...marks].join('\n'));
}

interface Frame extends Point {
  width: number;
  height: number;
}

function frameAround(points: readonly Point[]): Frame {
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    [west, east] = [Math.min(west, x), Math.max(east, x)];
    [north, south] = [Math.min(north, y), Math.max(south, y)];
  }
  const margin = Math.max(east - west, south - north, 1) / 20;
  return { x: west - margin, y: north - margin, width: east - west + 2 * margin, height: south - north + 2 * margin };
}

/** A stroke of one point is a dot. */
function lineThrough(points: readonly Point[], width: number): string {
  const [first = { x: 0, y: 0 }, ...others] = points;
  const path = `M${first.x} ${first.y}${others.length === 0 ? 'h0' : others.map(({ x, y }) => `L${x} ${y}`).join('')}`;
  return `<path d="${path}" fill="none" stroke="#111" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

function pictureOf({ x, y, width, height }: Frame, content: string): string {
  const scale = longSide / Math.max(width, height);
  const [shownWidth, shownHeight] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${shownWidth}" height="${shownHeight}" viewBox="${x} ${y} ${width} ${height}">
<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="#fff"/>
${content}
</svg>
`;
}
