import type { Examples } from './example.ts';
import { grace } from './story.ts';

const figures = [
  { name: 'sketch: right object first', value: 0.946, chance: 0.02083, meaning: '1 of 48' },
  { name: 'right target of 5 first, signal 0.9', value: 0.8765, chance: 0.2, meaning: 'one of 5' },
];
const version = { name: 'remote_viewing', version: '2.0.0', figures, createdAt: '2026-11-24T00:00:00.000Z' };
const trained = { ...version, seed: 1, sessions: 500_000, backend: 'tensorflow-cpu' };
const newer = {
  ...trained,
  version: '2.0.1',
  figures: figures.map((figure, i) => ({ ...figure, value: [0.951, 0.8712][i] ?? 0 })),
  createdAt: '2026-11-25T01:22:47.306Z',
  seed: 2,
};

const promotion = {
  kind: 'promote',
  from: null,
  to: '2.0.0',
  share: null,
  reason: 'It comes with the platform.',
  at: version.createdAt,
  by: null,
};
const page = {
  name: 'remote_viewing',
  active: trained,
  paused: null,
  canary: null,
  shadow: null,
  drift: {
    days: 7,
    features: [
      { feature: 'phrases', index: 0.041, reading: 'little', sessions: 1_284 },
      { feature: 'strokes', index: null, reading: 'too_few', sessions: 117 },
    ],
  },
  changes: [promotion],
};
const ordered = { from: null, to: null, share: null, at: '2026-11-29T00:59:40.018Z', by: grace.id };
const promoted = {
  ...page,
  active: newer,
  changes: [{ ...ordered, kind: 'promote', from: '2.0.0', to: '2.0.1', reason: 'better on drawings' }, promotion],
};

const begun = {
  id: '01a21031-3e9b-70e4-b527-4554de6d0761',
  model: 'remote_viewing',
  version: null,
  sessions: null,
  realSessions: 0,
  seed: 2,
  state: 'running',
  stage: 'simulate',
  stageDone: 0,
  epoch: 0,
  epochs: null,
  losses: null,
  samplesPerSecond: null,
  secondsLeft: null,
  figures: null,
  active: null,
  decision: null,
  reason: null,
  failure: null,
  startedBy: grace.id,
  startedAt: '2026-11-25T00:53:12.475Z',
  updatedAt: '2026-11-25T00:53:12.475Z',
  endedAt: null,
};
const ended = {
  ...begun,
  version: newer.version,
  sessions: newer.sessions,
  state: 'completed',
  stage: 'promote',
  stageDone: 1,
  epoch: 3,
  epochs: 3,
  losses: { viewing: 0.4127 },
  samplesPerSecond: 4_180.5,
  secondsLeft: 0,
  figures: newer.figures,
  active: { version: version.version, figures },
  decision: 'kept',
  reason: 'Its "right target of 5 first, signal 0.9" of 0.8712 does not beat the 0.8765 of the active version 2.0.0.',
  updatedAt: newer.createdAt,
  endedAt: newer.createdAt,
};

/** What Ada's sessions are analyzed with, and how Grace changes it. */
export const modelExamples: Examples = {
  'GET /v1/models': { answer: { items: [{ ...version, paused: null }] } },
  'GET /v1/models/{name}': { answer: page },
  'GET /v1/models/{name}/versions': { answer: { items: [newer, trained] } },
  'GET /v1/models/{name}/card': {
    answer: {
      name: version.name,
      version: version.version,
      markdown: '# Remote viewing: model card\n\nReads words, a transcript, sketches and pictures.\n',
    },
  },
  'POST /v1/models/{name}/promote': {
    request: { version: newer.version, reason: 'better on drawings' },
    answer: promoted,
  },
  'POST /v1/models/{name}/rollback': {
    request: { reason: 'more sessions fail' },
    answer: {
      ...page,
      changes: [
        {
          ...ordered,
          kind: 'rollback',
          from: '2.0.1',
          to: '2.0.0',
          reason: 'more sessions fail',
          at: '2026-11-29T00:59:58.440Z',
        },
        ...promoted.changes,
      ],
    },
  },
  'POST /v1/models/{name}/canary': {
    request: { version: newer.version, share: 0.1, reason: 'a tenth first' },
    answer: {
      ...page,
      canary: { version: newer.version, share: 0.1 },
      changes: [{ ...ordered, kind: 'canary', to: newer.version, share: 0.1, reason: 'a tenth first' }, promotion],
    },
  },
  'POST /v1/models/{name}/shadow': {
    request: { version: newer.version, reason: 'to compare' },
    answer: {
      ...page,
      shadow: {
        version: newer.version,
        comparisons: [
          {
            against: version.version,
            resultType: 'remote_viewing.objects',
            sessions: 412,
            agreement: 0.9684,
            confidenceDifference: 0.0213,
          },
        ],
      },
      changes: [{ ...ordered, kind: 'shadow', to: newer.version, reason: 'to compare' }, promotion],
    },
  },
  'POST /v1/models/{name}/pause': {
    request: { reason: 'a faulty version is looked into' },
    answer: {
      ...page,
      paused: { since: ordered.at, reason: 'a faulty version is looked into' },
      changes: [{ ...ordered, kind: 'pause', reason: 'a faulty version is looked into' }, promotion],
    },
  },
  'POST /v1/models/{name}/resume': {
    request: { reason: 'it was rolled back' },
    answer: { ...page, changes: [{ ...ordered, kind: 'resume', reason: 'it was rolled back' }, promotion] },
  },

  'POST /v1/models/trainings': {
    request: { model: begun.model, seed: begun.seed },
    answer: begun,
    at: begun.startedAt,
  },
  'GET /v1/models/trainings': { answer: { items: [ended] } },
  'GET /v1/models/trainings/{id}': { answer: ended },
  'POST /v1/models/trainings/{id}/cancel': {
    answer: { ...begun, version: newer.version, sessions: newer.sessions, stageDone: 0.42, epochs: 3 },
    at: '2026-11-25T00:55:00.000Z',
  },
};
