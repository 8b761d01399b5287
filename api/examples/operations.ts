import { stuckReasonMeanings, suggestionFor } from '../../domain/stuck.ts';
import { withChanges } from '../../domain/systemConfig.ts';
import { inPlainWords } from '../../operations/failureWords.ts';
import type { Examples } from './example.ts';
import { ada, grace, sessionIds, storyEnds } from './story.ts';

const minuteAgo = '2026-11-29T00:59:00.000Z';

const queue = {
  queue: 'mindpeeker-cpu',
  backlog: 14,
  backlogByPriority: [
    { key: 3, tasks: 4 },
    { key: 4, tasks: 10 },
  ],
  backlogAgeSeconds: 2.4,
  addedPerSecond: 6.1,
  dispatchedPerSecond: 5.8,
  limitPerSecond: null,
  paused: null,
  workers: [
    { identity: '41@mindpeeker-cpu-5d9f7c', buildId: '2026-11-28.1', lastPolledAt: '2026-11-29T00:59:57.312Z' },
  ],
};
const empty = { ...queue, backlog: 0, backlogByPriority: [], backlogAgeSeconds: 0 };
const otherQueues = [
  {
    ...empty,
    queue: 'mindpeeker-gpu',
    workers: [{ identity: '38@mindpeeker-gpu-6b8d4f', buildId: null, lastPolledAt: '2026-11-29T00:59:58.004Z' }],
  },
  { ...empty, queue: 'mindpeeker-webhooks' },
];

const session = {
  id: sessionIds.precognition,
  userId: ada.id,
  sessionType: 'precognition',
  tier: ada.tier,
  status: 'notifying',
  step: 'notify',
  createdAt: '2026-11-29T00:55:12.475Z',
  stuck: {
    reason: 'gave_up',
    code: 'retries_exhausted',
    step: 'notify',
    attempts: 8,
    since: '2026-11-29T00:58:40.219Z',
  },
};
const reason = 'the mail server is back';
const acted = { sessionId: session.id, status: session.status, step: session.step };

const auditEntry = {
  id: '01a224cf-427b-73f7-babf-96592547f9eb',
  at: '2026-11-29T00:59:31.475Z',
  action: 'retry',
  outcome: 'done',
  sessionId: session.id,
  byUser: grace.id,
  byCommand: null,
  reason,
  details: { means: 'signal', status: session.status, step: session.step },
  bulkId: null,
};

const bulk = {
  id: '01a224d0-c91b-7730-868c-3bead38fd7a2',
  act: { action: 'retry' },
  reason,
  perSecond: 10,
  state: 'running',
  startedAt: '2026-11-29T00:59:52.475Z',
  endedAt: null,
  byUser: grace.id,
  byCommand: null,
  sessions: 1,
  done: 0,
  refused: 0,
  failed: 0,
};
const bulkRequest = { act: bulk.act, filters: { reasons: ['gave_up'], steps: ['notify'] }, reason };

const changes = { tiers: { basic: { requestsPerMinute: { read: 900 } } } };
const config = {
  version: 3,
  changes,
  changedAt: minuteAgo,
  changedBy: grace.id,
  config: withChanges(changes),
};

const sealed = {
  metadata: { encoding: 'YmluYXJ5L2VuY3J5cHRlZA==', 'encryption-key-id': 'MjAyNi0xMQ==' },
  data: 'AWh4w1p5rT0VbN4kLcYdEgJ1sUoA5fQ9iRxWvHn3M2q7',
};
/** `{"ok":true}` */
const opened = { metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'eyJvayI6dHJ1ZX0=' };

/** What Grace sees and does, and what the platform says of itself. */
export const operationsExamples: Examples = {
  'GET /v1/stats': {
    answer: {
      sessionsByStatus: {
        pending: 0,
        created: 37,
        analyzing: 4,
        notifying: 1,
        billing: 2,
        completed: 18_402,
        failed: 61,
        cancelled: 214,
        expired: 530,
      },
      queues: [queue, ...otherQueues].map(({ queue: name, backlog, backlogAgeSeconds, workers }) => ({
        queue: name,
        workers: workers.length,
        backlog,
        backlogAgeSeconds,
        paused: false,
      })),
      pausedModels: [],
      countedAt: '2026-11-29T00:59:48.100Z',
    },
  },
  'GET /healthz': { answer: { alive: true } },
  'GET /readyz': { answer: { ready: true, checks: { postgres: 'ok', redis: 'ok', objects: 'ok', temporal: 'ok' } } },

  'GET /v1/admin/config': { answer: config },
  'PUT /v1/admin/config': { request: changes, answer: config, at: minuteAgo },

  'POST /v1/admin/codec/decode': { request: { payloads: [sealed] }, answer: { payloads: [opened] } },
  'POST /v1/admin/codec/encode': { request: { payloads: [opened] }, answer: { payloads: [sealed] } },
  'POST /v1/admin/codec/session': { answer: { expiresInSeconds: 3_600 } },

  'GET /v1/admin/queues': { answer: { items: [queue, ...otherQueues] } },
  'POST /v1/admin/queues/{queue}/pause': {
    request: { reason: 'the database is moved' },
    answer: {
      items: [
        { ...queue, paused: { since: storyEnds, reason: 'the database is moved', by: grace.id } },
        ...otherQueues,
      ],
    },
  },
  'POST /v1/admin/queues/{queue}/resume': {
    request: { reason: 'the database has moved' },
    answer: { items: [queue, ...otherQueues] },
  },

  'GET /v1/admin/sessions': { answer: { items: [session], nextCursor: null, searchedAt: minuteAgo } },
  'GET /v1/admin/sessions/{id}': {
    answer: {
      session,
      summary: `Precognition · notifying, and waits · stuck: ${stuckReasonMeanings.gave_up}`,
      suggestion: suggestionFor('gave_up', session.stuck.code),
      run: {
        workflowId: `session-${session.id}`,
        runId: '01a224cc-84f0-74f1-a2ca-0c43041e7b47',
        status: 'RUNNING',
        startedAt: '2026-11-29T00:55:12.880Z',
        closedAt: null,
        historyEvents: 41,
        webUi: `https://temporal.mindpeeker.com/namespaces/mindpeeker/workflows/session-${session.id}/01a224cc-84f0-74f1-a2ca-0c43041e7b47/history`,
        activities: [],
        workflowTask: null,
      },
      polledQueues: ['mindpeeker-cpu', 'mindpeeker-gpu', 'mindpeeker-webhooks'],
      pausedQueues: [],
      events: [
        { seq: 1, type: 'created', status: 'created', timestamp: session.createdAt },
        { seq: 2, type: 'analysis_started', status: 'analyzing', timestamp: '2026-11-29T00:55:13.204Z' },
        { seq: 3, type: 'analysis_completed', status: 'notifying', timestamp: '2026-11-29T00:55:14.911Z' },
        { seq: 4, type: 'stuck', status: 'notifying', timestamp: session.stuck.since },
      ],
      failedAttempts: [
        {
          step: 'notify',
          attempt: 8,
          at: '2026-11-29T00:58:40.102Z',
          kind: 'ResponseError',
          meaning: inPlainWords('ResponseError'),
          worker: '41@mindpeeker-cpu-5d9f7c',
        },
      ],
      bill: null,
      audit: [],
    },
  },
  'POST /v1/admin/sessions/{id}/retry': { request: { reason }, answer: { ...acted, action: 'retry', means: 'signal' } },
  'POST /v1/admin/sessions/{id}/pause': {
    request: { reason: 'the mail server is down' },
    answer: { ...acted, action: 'pause', means: 'pause' },
  },
  'POST /v1/admin/sessions/{id}/resume': {
    request: { reason },
    answer: { ...acted, action: 'resume', means: 'pause' },
  },
  'POST /v1/admin/sessions/{id}/skip': {
    request: { reason: 'the address does not exist' },
    answer: { ...acted, action: 'skip', means: 'signal' },
  },
  'POST /v1/admin/sessions/{id}/reset': {
    request: { step: 'analyze', reason: 'the model was rolled back' },
    answer: { ...acted, action: 'reset', means: 'restart', step: 'analyze' },
  },
  'POST /v1/admin/sessions/{id}/cancel': {
    request: { reason: 'its owner asked for it', deleteContent: false },
    answer: { ...acted, action: 'cancel', means: 'cancellation', step: null },
  },

  'POST /v1/admin/bulk-actions': [
    {
      title: 'First which they are',
      request: { ...bulkRequest, dryRun: true },
      answer: { count: 1, sessions: [session], action: null },
    },
    {
      title: 'Then do it',
      request: { ...bulkRequest, atMost: 1 },
      answer: { count: 1, sessions: [session], action: bulk },
      at: bulk.startedAt,
    },
  ],
  'GET /v1/admin/bulk-actions': { answer: { items: [bulk] } },
  'GET /v1/admin/bulk-actions/{id}': {
    answer: { ...bulk, state: 'completed', endedAt: '2026-11-29T00:59:53.640Z', done: 1 },
  },
  'POST /v1/admin/bulk-actions/{id}/stop': {
    answer: { ...bulk, state: 'stopped', endedAt: '2026-11-29T00:59:53.120Z' },
  },

  'GET /v1/admin/audit': { answer: { items: [auditEntry], nextCursor: null } },
};
