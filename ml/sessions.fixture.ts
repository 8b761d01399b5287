import type { SessionContent } from '../domain/content.ts';

/** The times of the sessions below. */
export const times = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString());

/** At least one session of each type, with everything that a person may record in it. */
export const sessions: SessionContent[] = [
  {
    sessionType: 'remote_viewing',
    cue: '4711-0815',
    impressions: {
      words: ['rocky', 'tall structure', 'Wellen'],
      transcript: 'There is water below. It moves.',
      sketches: [
        {
          width: 90,
          height: 90,
          strokes: [
            {
              points: [
                { x: 5, y: 80 },
                { x: 45, y: 5 },
                { x: 85, y: 80 },
                { x: 5, y: 80 },
              ],
            },
          ],
        },
      ],
    },
    metadata: {
      targets: [
        { id: 'sea', words: ['water', 'rock'] },
        { id: 'town', words: ['street'] },
        { id: 'wood', words: ['tree'] },
      ],
    },
  },
  {
    sessionType: 'dowsing',
    cue: 'Is it there?',
    impressions: {
      question: 'Is it there?',
      trace: { points: times.map((_, i) => ({ x: 100 + Math.sin(i * 9), y: 100 + 40 * Math.sin(i), tMs: i * 50 })) },
    },
  },
  {
    sessionType: 'dowsing',
    cue: 'Where is it?',
    impressions: {
      question: 'Where is it?',
      region: { west: 170, south: -20, east: -170, north: 0 },
      points: [
        { lon: 179, lat: -10 },
        { lon: -179.5, lat: -11, weight: 2 },
        { lon: 179.9, lat: -9 },
      ],
    },
  },
  {
    sessionType: 'precognition',
    cue: 'What comes?',
    impressions: {
      series: [
        { name: 's', times, values: times.map((_, i) => (i === 7 ? null : Math.sin((i * 2 * Math.PI) / 7) + i * 0.1)) },
      ],
      horizon: 9,
    },
  },
  {
    sessionType: 'intuitive_analysis',
    cue: 'What matters?',
    impressions: {
      dimensions: ['a', 'b', 'c'],
      rows: times.map((_, i) => [
        (i % 2) * 10 + Math.sin(i),
        i === 3 ? null : (i % 2) * 8 + Math.cos(i * 3),
        Math.sin(i * i),
      ]),
      ratings: times.map((_, i) => i % 2),
    },
  },
];
