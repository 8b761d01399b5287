import type { Sketch } from '../../domain/impressions.ts';
import type { Random } from '../random.ts';

/** The things a sketch can be recognised as, in the order of the network's outputs. */
export const objectNames = [
  'house',
  'tree',
  'bridge',
  'mountain',
  'wave',
  'boat',
  'tower',
  'person',
  'ball',
  'star',
  'road',
  'pyramid',
] as const;
export type ObjectName = (typeof objectNames)[number];

type Point = readonly [x: number, y: number];
type Line = readonly Point[];

/** How a person may draw each thing, on a canvas from 0 to 1 with y downwards; several ways where people differ. */
const drawings: Record<ObjectName, (random: Random) => Line[]> = {
  house: (r) => {
    const top = r.uniform(0.35, 0.55);
    const walls = closed([0.2, top], [0.8, top], [0.8, 0.9], [0.2, 0.9]);
    const roof: Line = [
      [0.12, top],
      [r.uniform(0.4, 0.6), r.uniform(0.08, 0.22)],
      [0.88, top],
    ];
    return [
      walls,
      roof,
      ...some(r, 0.7, box(r.uniform(0.35, 0.55), 0.65, 0.14, 0.25)),
      ...some(r, 0.5, box(0.25, top + 0.08, 0.12, 0.12)),
    ];
  },
  tree: (r) => {
    const width = r.uniform(0.05, 0.1);
    const trunk: Line[] = [
      [
        [0.5 - width, 0.55],
        [0.5 - width, 0.95],
      ],
      [
        [0.5 + width, 0.55],
        [0.5 + width, 0.95],
      ],
    ];
    if (r.chance(0.6)) return [...trunk, ellipse(0.5, 0.33, r.uniform(0.2, 0.35), r.uniform(0.18, 0.28))];
    return [...trunk, closed([0.5, 0.05], [0.8, 0.35], [0.2, 0.35]), closed([0.5, 0.2], [0.85, 0.6], [0.15, 0.6])];
  },
  bridge: (r) => {
    const deck: Line = [
      [0.03, 0.5],
      [0.97, 0.5],
    ];
    const piers: Line[] = [0.25, 0.75].map((x) => [
      [x, r.uniform(0.2, 0.5)],
      [x, 0.85],
    ]);
    const arcs = r.chance(0.5)
      ? [arc(0.5, 0.5, 0.25, 0.28, 0, Math.PI)]
      : [arc(0.5, 0.22, 0.26, 0.2, Math.PI, 2 * Math.PI)];
    return [
      deck,
      ...piers,
      ...arcs,
      ...some(r, 0.5, [
        [0.03, 0.57],
        [0.97, 0.57],
      ]),
    ];
  },
  mountain: (r) => {
    const peaks = r.int(2, 3);
    const ridge: Point[] = [[0.02, 0.85]];
    for (let i = 0; i < peaks; i++) {
      ridge.push([(i + 0.5) / peaks, r.uniform(0.15, 0.4)]);
      ridge.push([(i + 1) / peaks - 0.02, i === peaks - 1 ? 0.85 : r.uniform(0.5, 0.7)]);
    }
    const snow = r.uniform(0.3, 0.4);
    return [
      ridge,
      ...some(r, 0.4, [
        [0.5 / peaks - 0.1, snow + 0.1],
        [0.5 / peaks, snow],
        [0.5 / peaks + 0.1, snow + 0.1],
      ]),
    ];
  },
  wave: (r) =>
    Array.from({ length: r.int(2, 4) }, (_, i) => {
      const y = 0.3 + i * 0.18;
      const phase = r.uniform(0, Math.PI);
      const cycles = r.uniform(2, 4);
      return steps(24).map((t): Point => [t, y + 0.06 * Math.sin(phase + cycles * 2 * Math.PI * t)]);
    }),
  boat: (r) => {
    const hull = closed([0.1, 0.62], [0.9, 0.62], [0.72, 0.85], [0.28, 0.85]);
    const mast: Line = [
      [0.5, 0.62],
      [0.5, 0.1],
    ];
    const side = r.chance(0.5) ? 0.82 : 0.2;
    return [hull, mast, closed([0.5, 0.12], [side, 0.54], [0.5, 0.54])];
  },
  tower: (r) => {
    const half = r.uniform(0.08, 0.13);
    const foot = half + r.uniform(0, 0.1);
    const body = closed([0.5 - half, 0.25], [0.5 + half, 0.25], [0.5 + foot, 0.95], [0.5 - foot, 0.95]);
    const top = r.chance(0.5)
      ? closed([0.5 - half, 0.25], [0.5, 0.03], [0.5 + half, 0.25])
      : box(0.5 - half * 1.5, 0.12, half * 3, 0.13);
    return [body, top, ...some(r, 0.5, box(0.47, 0.4, 0.06, 0.1)), ...some(r, 0.4, box(0.47, 0.6, 0.06, 0.1))];
  },
  person: (r) => {
    const arms = r.uniform(0.35, 0.55);
    return [
      ellipse(0.5, 0.15, 0.1, 0.11),
      [
        [0.5, 0.26],
        [0.5, 0.6],
      ],
      [
        [0.25, arms],
        [0.5, 0.36],
        [0.75, arms + r.uniform(-0.1, 0.1)],
      ],
      [
        [r.uniform(0.25, 0.35), 0.95],
        [0.5, 0.6],
        [r.uniform(0.65, 0.75), 0.95],
      ],
    ];
  },
  ball: (r) => {
    const outline = ellipse(0.5, 0.5, r.uniform(0.32, 0.4), r.uniform(0.32, 0.4));
    return [outline, ...some(r, 0.3, arc(0.5, 0.5, 0.36, 0.12, 0, Math.PI))];
  },
  star: (r) => {
    const order = [0, 2, 4, 1, 3, 0];
    const corner = (i: number, radius: number): Point => {
      const angle = -Math.PI / 2 + (i * 2 * Math.PI) / 5;
      return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
    };
    if (r.chance(0.5)) return [order.map((i) => corner(i, 0.42))];
    const inner = r.uniform(0.16, 0.22);
    return [steps(10).map((t) => corner(t * 5, Math.round(t * 10) % 2 === 0 ? 0.42 : inner))];
  },
  road: (r) => {
    const bend = r.uniform(-0.15, 0.15);
    const end = r.uniform(0.4, 0.6);
    const edge = (from: number, to: number): Line => [
      [from, 0.95],
      [(from + to) / 2 + bend, 0.55],
      [to, 0.15],
    ];
    const dashes: Line[] = [0.8, 0.6, 0.4].map((y) => [
      [end + bend * (1 - y), y],
      [end + bend * (1 - y), y - 0.1],
    ]);
    return [edge(0.1, end - 0.05), edge(0.9, end + 0.05), ...(r.chance(0.7) ? dashes : [])];
  },
  pyramid: (r) => {
    const apex: Point = [r.uniform(0.4, 0.6), 0.15];
    const outline = closed([0.05, 0.85], apex, [0.95, 0.85]);
    if (r.chance(0.6)) return [outline, [apex, [r.uniform(0.6, 0.75), 0.85]]];
    return [
      outline,
      [
        [0.22, 0.62],
        [0.78, 0.62],
      ],
      [
        [0.34, 0.4],
        [0.66, 0.4],
      ],
    ];
  },
};

function steps(n: number): number[] {
  return Array.from({ length: n + 1 }, (_, i) => i / n);
}

function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Line {
  return steps(18).map((t) => {
    const angle = from + t * (to - from);
    return [cx + rx * Math.cos(angle), cy - ry * Math.sin(angle)];
  });
}

function ellipse(cx: number, cy: number, rx: number, ry: number): Line {
  return arc(cx, cy, rx, ry, 0, 2 * Math.PI);
}

function closed(first: Point, ...rest: Point[]): Line {
  return [first, ...rest, first];
}

function box(x: number, y: number, width: number, height: number): Line {
  return closed([x, y], [x + width, y], [x + width, y + height], [x, y + height]);
}

function some(random: Random, probability: number, line: Line): Line[] {
  return random.chance(probability) ? [line] : [];
}

/** Lines that depict nothing: what a sketch looks like when there is no signal in it. */
function scribbles(random: Random): Line[] {
  return Array.from({ length: random.int(1, 5) }, () => {
    let [x, y] = [random.uniform(0.2, 0.8), random.uniform(0.2, 0.8)];
    let heading = random.uniform(0, 2 * Math.PI);
    const turn = random.normal(0, 0.3);
    return Array.from({ length: random.int(2, 30) }, (): Point => {
      heading += turn + random.normal(0, 0.6);
      x = Math.min(1, Math.max(0, x + 0.08 * Math.cos(heading)));
      y = Math.min(1, Math.max(0, y + 0.08 * Math.sin(heading)));
      return [x, y];
    });
  });
}

/** A simulated sketch of something, or, without a name, of nothing: slanted, stretched, shaky, with lines left out or added. */
export function drawSketch(random: Random, name: ObjectName | undefined): Sketch {
  const lines = name === undefined ? scribbles(random) : drawings[name](random);
  const kept = lines.filter(() => random.chance(0.93));
  const added = random.chance(0.15) ? scribbles(random).slice(0, 1) : [];
  const angle = random.normal(0, 0.12);
  const [stretchX, stretchY] = [random.uniform(0.75, 1.1), random.uniform(0.75, 1.1)];
  const slant = random.normal(0, 0.1);
  const shake = random.uniform(0.005, 0.03);
  const size = random.uniform(120, 900);
  const place = ([x, y]: Point) => {
    const [u, v] = [(x - 0.5) * stretchX + slant * (y - 0.5), (y - 0.5) * stretchY];
    const turned = [u * Math.cos(angle) - v * Math.sin(angle), u * Math.sin(angle) + v * Math.cos(angle)] as const;
    const shaken = turned.map((value) => 0.5 + 0.65 * value + random.normal(0, shake) * 0.65);
    const [px = 0.5, py = 0.5] = shaken.map((value) => Math.min(1, Math.max(0, value)) * size);
    return { x: px, y: py };
  };
  const drawn = (kept.length > 0 ? kept : lines).concat(added);
  return { width: size, height: size, strokes: drawn.map((line) => ({ points: refine(line).map(place) })) };
}

/** Puts points along long segments, as a hand leaves them, so that they shake all along. */
function refine(line: Line): Line {
  return line.flatMap((point, i) => {
    const next = line[i + 1];
    if (next === undefined) return [point];
    const pieces = Math.ceil(Math.hypot(next[0] - point[0], next[1] - point[1]) / 0.12);
    return Array.from({ length: Math.max(1, pieces) }, (_, k): Point => {
      const t = k / Math.max(1, pieces);
      return [point[0] + t * (next[0] - point[0]), point[1] + t * (next[1] - point[1])];
    });
  });
}
