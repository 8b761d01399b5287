import { meanOf } from '../../../domain/statistics.ts';
import type { Sketch } from '../../../domain/impressions.ts';
import type { Random } from '../../random.ts';
import { at } from '../../sequence.ts';
import { lastWay, learnedWays, type ObjectName } from './objects.ts';
import { curve, type Line, path, type Point, repeat } from './pen.ts';

/**
 * Whose hand draws: one of those that training learns from, one that distorts as no other does, or one that draws
 * things in the way that is kept from training.
 */
export type Hand = 'learned' | 'unseen_distortion' | 'unseen_way';

/** A simulated sketch of something, or, without a name, of nothing. */
export function drawSketch(random: Random, name: ObjectName | undefined, hand: Hand = 'learned'): Sketch {
  const meant = name === undefined ? scribbles(random) : random.pick(waysOf(name, hand))(random);
  const drawn = added(
    random,
    reordered(
      random,
      left(random, meant).map((line) => misplaced(random, line)),
    ),
  );
  const fine = drawn.map(refine);
  return onPaper(random, hand === 'unseen_distortion' ? distorted(random, fine) : fine);
}

function waysOf(name: ObjectName, hand: Hand) {
  switch (hand) {
    case 'learned':
    case 'unseen_distortion':
      return learnedWays(name);
    case 'unseen_way':
      return lastWay(name);
  }
}

/** Lines that depict nothing: what a sketch looks like when there is no signal in it. */
function scribbles(random: Random): Line[] {
  return Array.from({ length: random.int(1, 5) }, () => scribble(random));
}

function scribble(random: Random): Line {
  let [x, y] = [random.uniform(0.2, 0.8), random.uniform(0.2, 0.8)];
  let heading = random.uniform(0, 2 * Math.PI);
  const turn = random.normal(0, 0.3);
  return Array.from({ length: random.int(2, 30) }, (): Point => {
    heading += turn + random.normal(0, 0.6);
    x = Math.min(1, Math.max(0, x + 0.08 * Math.cos(heading)));
    y = Math.min(1, Math.max(0, y + 0.08 * Math.sin(heading)));
    return [x, y];
  });
}

/** What is left when lines are forgotten, or the hand stops before it is done. */
function left(random: Random, lines: readonly Line[]): readonly Line[] {
  if (lines.length < 3) return lines;
  const kept = lines.filter(() => random.chance(0.95));
  return random.chance(0.08) ? kept.slice(0, Math.ceil(kept.length * random.uniform(0.7, 1))) : kept;
}

/** A line that is drawn where it does not quite belong: moved, turned, too large or too small. */
function misplaced(random: Random, line: Line): Line {
  const [cx, cy] = [meanOf(line.map(([x]) => x)), meanOf(line.map(([, y]) => y))];
  const [moveX, moveY, size] = [random.normal(0, 0.015), random.normal(0, 0.015), random.normal(1, 0.05)];
  const angle = random.normal(0, 0.04);
  const [c, s] = [size * Math.cos(angle), size * Math.sin(angle)];
  return line.map(([x, y]): Point => [
    cx + moveX + (x - cx) * c - (y - cy) * s,
    cy + moveY + (x - cx) * s + (y - cy) * c,
  ]);
}

/** The same lines begun elsewhere, drawn backwards, or without lifting the pen. */
function reordered(random: Random, lines: readonly Line[]): Line[] {
  const order = random.chance(0.5) ? random.permutation(lines.length).map((i) => at(lines, i)) : lines;
  const turned = order.map((line) => (random.chance(0.3) ? line.toReversed() : line));
  return random.chance(0.04) ? [turned.flat()] : turned;
}

/** What people add that does not belong: a stray line, the ground, hatching, a line drawn twice. */
function added(random: Random, lines: readonly Line[]): Line[] {
  const extra: Line[] = [];
  if (random.chance(0.08)) extra.push(scribble(random));
  if (random.chance(0.06)) extra.push(path(random.uniform(-0.1, 0.1), 0.95, random.uniform(0.9, 1.1), 0.95));
  if (random.chance(0.04)) {
    const [x, y] = [random.uniform(0.2, 0.7), random.uniform(0.2, 0.7)];
    extra.push(...repeat(random.int(3, 5), (i) => path(x + 0.04 * i, y, x + 0.04 * i - 0.06, y + 0.12)));
  }
  if (random.chance(0.1) && lines.length > 0) extra.push(misplaced(random, random.pick(lines)));
  return [...lines, ...extra];
}

/** Puts points along long segments, as a hand leaves them, so that they shake and bend all along. */
function refine(line: Line): Line {
  return line.flatMap((point, i) => {
    const next = line[i + 1];
    if (next === undefined) return [point];
    const pieces = Math.max(1, Math.ceil(Math.hypot(next[0] - point[0], next[1] - point[1]) / 0.12));
    return Array.from({ length: pieces }, (_, k): Point => {
      const t = k / pieces;
      return [point[0] + t * (next[0] - point[0]), point[1] + t * (next[1] - point[1])];
    });
  });
}

/** What no hand of the training does: everything bent like a bow, tapered as if seen from below, or dashed. */
function distorted(random: Random, lines: readonly Line[]): Line[] {
  const much = random.uniform(0.3, 0.6) * (random.chance(0.5) ? 1 : -1);
  switch (random.pick(['bent', 'tapered', 'dashed'] as const)) {
    case 'bent':
      return lines.map((line) => line.map(([x, y]): Point => [x + much * (y - 0.5) ** 2, y + much * (x - 0.5) ** 2]));
    case 'tapered':
      return lines.map((line) => line.map(([x, y]): Point => [0.5 + (x - 0.5) * (1 + much * (y - 0.5)), y]));
    case 'dashed':
      return lines.flatMap((line) => dashes(line));
  }
}

/** A line with the pen lifted between its pieces. */
function dashes(line: Line): Line[] {
  return line.flatMap((from, i) => {
    const to = line[i + 1];
    if (to === undefined) return [];
    return [curve(1, (t) => [from[0] + 0.65 * t * (to[0] - from[0]), from[1] + 0.65 * t * (to[1] - from[1])])];
  });
}

/** The lines as they come from a shaky hand onto a canvas of some size: slanted, stretched, mirrored, anywhere on it. */
function onPaper(random: Random, lines: readonly Line[]): Sketch {
  const angle = random.normal(0, 0.11);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const mirror = random.chance(0.5) ? -1 : 1;
  const [stretchX, stretchY] = [random.uniform(0.75, 1.1) * mirror, random.uniform(0.75, 1.1)];
  const slant = random.normal(0, 0.09);
  const shake = random.uniform(0.003, 0.016);
  const [width, height] = [random.uniform(200, 1_600), random.uniform(200, 1_600)];
  const size = Math.min(width, height) * random.uniform(0.3, 0.62);
  const [left, top] = [random.uniform(0.7 * size, width - 0.7 * size), random.uniform(0.7 * size, height - 0.7 * size)];
  const [timed, pressed] = [random.chance(0.5), random.chance(0.4)];
  let tMs = 0;
  const strokes = lines.map((line) => {
    let [wobbleX, wobbleY] = [0, 0];
    let pressure = random.uniform(0.3, 0.9);
    tMs += random.uniform(100, 900);
    const points = line.map(([x, y]) => {
      // The hand drifts more than it trembles: each point keeps most of the error of the one before.
      wobbleX = 0.8 * wobbleX + random.normal(0, shake);
      wobbleY = 0.8 * wobbleY + random.normal(0, shake);
      pressure = Math.min(1, Math.max(0.1, pressure + random.normal(0, 0.08)));
      tMs += random.uniform(8, 40);
      const [u, v] = [(x - 0.5) * stretchX + slant * (y - 0.5) + wobbleX, (y - 0.5) * stretchY + wobbleY];
      const placed = { x: left + size * (u * c - v * s), y: top + size * (u * s + v * c) };
      const within = { x: Math.min(width, Math.max(0, placed.x)), y: Math.min(height, Math.max(0, placed.y)) };
      return { ...within, ...(timed ? { tMs } : {}), ...(pressed ? { pressure } : {}) };
    });
    return { points };
  });
  return { width, height, strokes };
}
