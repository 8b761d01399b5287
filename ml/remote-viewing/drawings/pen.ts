import type { Random } from '../../random.ts';
import { at } from '../../sequence.ts';

/** Drawings are made on a canvas from 0 to 1, with y downwards. */
export type Point = readonly [x: number, y: number];
export type Line = readonly Point[];

/** One way in which people draw a thing; every call draws another. */
export type Way = (random: Random) => Line[];

/** What people draw, by name; each thing in the several ways that people differ in. */
export type Drawings = Readonly<Record<string, readonly Way[]>>;

/** A line through points that are given as x, y, x, y and so on. */
export function path(...coordinates: readonly number[]): Line {
  return Array.from({ length: coordinates.length / 2 }, (_, i): Point => [
    at(coordinates, 2 * i),
    at(coordinates, 2 * i + 1),
  ]);
}

/** A line that ends where it began. */
export function closed(...coordinates: readonly number[]): Line {
  const line = path(...coordinates);
  return [...line, at(line, 0)];
}

/** A rectangle by its upper left corner and its sides. */
export function box(x: number, y: number, width: number, height: number): Line {
  return closed(x, y, x + width, y, x + width, y + height, x, y + height);
}

/** A line that a formula draws while t goes from 0 to 1. */
export function curve(pieces: number, place: (t: number) => Point): Line {
  return Array.from({ length: pieces + 1 }, (_, i) => place(i / pieces));
}

/** A part of an ellipse; angles in radians, counterclockwise from the right. */
export function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Line {
  return curve(18, (t) => {
    const angle = from + t * (to - from);
    return [cx + rx * Math.cos(angle), cy - ry * Math.sin(angle)];
  });
}

/** An ellipse about its middle, by its radii. */
export function ellipse(cx: number, cy: number, rx: number, ry: number): Line {
  return arc(cx, cy, rx, ry, 0, 2 * Math.PI);
}

/** A circle about its middle. */
export function circle(cx: number, cy: number, radius: number): Line {
  return ellipse(cx, cy, radius, radius);
}

/** A wavy line from left to right. */
export function ripple(left: number, right: number, y: number, height: number, cycles: number, phase = 0): Line {
  return curve(Math.max(8, Math.round(10 * cycles)), (t) => [
    left + t * (right - left),
    y + height * Math.sin(phase + cycles * 2 * Math.PI * t),
  ]);
}

/** Corners on two circles in turn: a star, a gear, a burst. */
export function star(points: number, cx: number, cy: number, outer: number, inner: number): Line {
  return curve(2 * points, (t) => {
    const angle = t * 2 * Math.PI - Math.PI / 2;
    const radius = Math.round(t * 2 * points) % 2 === 0 ? outer : inner;
    return [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)];
  });
}

/** Steps from one point up or down to another, each rising before it goes along. */
export function staircase(steps: number, [x, y]: Point, [toX, toY]: Point): Line {
  const [dx, dy] = [(toX - x) / steps, (toY - y) / steps];
  const corners = Array.from({ length: steps }, (_, i): Line => [
    [x + i * dx, y + (i + 1) * dy],
    [x + (i + 1) * dx, y + (i + 1) * dy],
  ]);
  return [[x, y], ...corners.flat()];
}

/** Straight lines outwards from around a centre. */
export function rays(count: number, cx: number, cy: number, from: number, to: number, turn = 0): Line[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = turn + (i * 2 * Math.PI) / count;
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    return path(cx + from * dx, cy + from * dy, cx + to * dx, cy + to * dy);
  });
}

/** The same kind of line several times, by its number from 0. */
export function repeat(count: number, draw: (index: number) => Line): Line[] {
  return Array.from({ length: count }, (_, i) => draw(i));
}

/** The lines with a probability, else none: what a person may leave out. */
export function some(random: Random, probability: number, ...lines: readonly Line[]): Line[] {
  return random.chance(probability) ? [...lines] : [];
}
