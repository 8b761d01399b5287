import { v5 as uuidV5 } from 'uuid';
import dowsing from '../../examples/dowsing.json' with { type: 'json' };
import intuitiveAnalysis from '../../examples/intuitive-analysis.json' with { type: 'json' };
import precognition from '../../examples/precognition.json' with { type: 'json' };
import remoteViewing from '../../examples/remote-viewing.json' with { type: 'json' };
import { errorTable } from '../../domain/errors.ts';
import { betterScores, type Scorecard } from '../../domain/scoring.ts';
import { sessionTitles, sessionTypes, type SessionType } from '../../domain/session.ts';
import { trackRecordOf } from '../outcomes/trackRecord.ts';
import { shortened, type Examples } from './example.ts';
// What the published models say of the examples, with long lists cut.
import results from './results.json' with { type: 'json' };
import { ada, attachmentId, sessionIds } from './story.ts';

const contents = {
  remote_viewing: remoteViewing,
  dowsing,
  precognition,
  intuitive_analysis: intuitiveAnalysis,
};

const createdAts: Record<SessionType, string> = {
  remote_viewing: '2026-11-29T00:53:12.475Z',
  dowsing: '2026-11-28T00:53:12.475Z',
  precognition: '2026-11-29T00:55:12.475Z',
  intuitive_analysis: '2026-11-29T00:55:12.476Z',
};
const completedAts = { remote_viewing: '2026-11-29T00:53:19.102Z', dowsing: '2026-11-28T00:53:17.640Z' };

/** A session that was just created, without its impressions. */
function newSession(type: SessionType) {
  const { sessionType, cue, ...content } = contents[type];
  return {
    id: sessionIds[type],
    userId: ada.id,
    sessionType,
    cue,
    status: 'created',
    step: 'create',
    metadata: 'metadata' in content ? content.metadata : null,
    createdAt: createdAts[type],
    completedAt: null,
  };
}

const impressionsOf = (type: SessionType) => shortened(contents[type].impressions);

function resultsOf(type: SessionType) {
  return results[type].map((result) => ({
    id: uuidV5(result.resultType, sessionIds[type]),
    ...result,
    createdAt: new Date(Date.parse(createdAts[type]) + 5_800).toISOString(),
  }));
}

const recorded = { ...newSession('remote_viewing'), impressions: impressionsOf('remote_viewing') };
const end = { status: 'completed', step: 'bill', completedAt: completedAts.remote_viewing };
const completed = { ...recorded, ...end };

const share = {
  id: '2210c943-244d-4d7e-a81d-6cae8931c371',
  createdAt: '2026-11-29T00:57:30.205Z',
  expiresAt: '2026-12-06T00:57:30.205Z',
};

const knownAt = '2026-11-29T00:56:00.000Z';
const outcome = { targetId: 'cottage', words: ['house', 'roof', 'stone', 'garden', 'door'] };
const match = 'remote_viewing.match';
const scorecard: Scorecard = {
  scores: [
    { name: 'rank', of: match, value: 1, chance: 3, chanceIs: 'the mean rank of 5 targets' },
    { name: 'brier', of: match, value: 0.01276, chance: 0.64, chanceIs: 'one of 5 targets' },
    { name: 'log_score', of: match, value: 0.1199, chance: 1.609, chanceIs: 'one of 5 targets' },
  ],
  trial: { hit: true, chance: 0.2 },
  claim: { claimed: 0.887, chance: 0.2, cameTrue: true },
};
const outcomeAnswer = {
  sessionId: sessionIds.remote_viewing,
  outcome,
  knownAt,
  recordedAt: '2026-11-29T00:56:41.870Z',
  recordedBy: ada.id,
  scores: scorecard.scores.map((score) => ({ ...score, better: betterScores[score.name] })),
  trial: scorecard.trial,
};

const storageUrl = `https://storage.mindpeeker.com/uploads/${sessionIds.remote_viewing}/${attachmentId}`;
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const announcedAt = '2026-11-29T00:54:12.475Z';
const announced = {
  id: attachmentId,
  sessionId: sessionIds.remote_viewing,
  fileName: 'page one.jpg',
  mediaType: 'image/jpeg',
  sizeBytes: 2_148_220,
  sha256,
  status: 'uploading',
  rejection: null,
  stored: null,
  file: null,
  thumbnail: null,
  createdAt: announcedAt,
  endedAt: null,
};
const upload = {
  parts: [
    {
      number: 1,
      sizeBytes: announced.sizeBytes,
      received: false,
      request: {
        method: 'PUT',
        url: `${storageUrl}/upload?X-Amz-Expires=900&X-Amz-Signature=8d2f`,
        headers: {
          'Content-Type': announced.mediaType,
          'x-amz-checksum-sha256': 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
        },
        expiresAt: '2026-11-29T01:09:12.475Z',
      },
    },
  ],
};
const download = (what: string) => ({
  url: `${storageUrl}/${what}?X-Amz-Expires=300&X-Amz-Signature=b71e`,
  expiresAt: '2026-11-29T01:05:00.000Z',
});
const kept = {
  ...announced,
  status: 'ready',
  stored: { sizeBytes: 2_131_904, sha256: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752' },
  thumbnail: download('thumbnail'),
  endedAt: '2026-11-29T00:54:31.118Z',
};

/** What Ada records, and what comes of it. */
export const sessionExamples: Examples = {
  'POST /v1/sessions': sessionTypes.map((type) => ({
    title: sessionTitles[type],
    request: contents[type],
    answer: { ...newSession(type), impressions: impressionsOf(type) },
    at: createdAts[type],
  })),
  'POST /v1/sessions/bulk': {
    request: { sessions: [intuitiveAnalysis, { sessionType: 'precognition', cue: '' }] },
    answer: {
      items: [
        { status: 201, session: newSession('intuitive_analysis') },
        {
          status: errorTable.validation_failed.status,
          error: {
            code: 'validation_failed',
            details: [{ path: 'cue', message: 'must not be empty' }],
            retryable: errorTable.validation_failed.retryable,
            help: errorTable.validation_failed.help,
          },
        },
      ],
      created: 1,
      refused: 1,
    },
    at: createdAts.intuitive_analysis,
  },
  'GET /v1/sessions': {
    answer: {
      items: [
        { ...newSession('remote_viewing'), ...end },
        {
          ...newSession('dowsing'),
          status: 'completed',
          step: 'bill',
          completedAt: completedAts.dowsing,
        },
      ],
      nextCursor: null,
    },
    at: '2026-11-29T00:54:00.000Z',
  },
  'GET /v1/sessions/{id}': { answer: completed },
  'PATCH /v1/sessions/{id}': {
    request: { cue: '4821-0938', metadata: { ...remoteViewing.metadata, training_consent: true } },
    answer: { ...recorded, cue: '4821-0938', metadata: { ...remoteViewing.metadata, training_consent: true } },
    at: '2026-11-29T00:53:13.020Z',
  },
  'DELETE /v1/sessions/{id}': { answer: null },
  'POST /v1/sessions/{id}/analysis': { answer: recorded, at: '2026-11-29T00:53:13.311Z' },
  'POST /v1/sessions/{id}/cancel': { answer: recorded, at: '2026-11-29T00:53:13.311Z' },
  'POST /v1/sessions/{id}/retry': {
    answer: {
      ...recorded,
      status: 'billing',
      step: 'bill',
      stuck: {
        step: 'bill',
        code: 'card_declined',
        message: 'The payment was declined; retry once the payment method is mended.',
        since: '2026-11-29T00:53:19.102Z',
      },
    },
  },
  'GET /v1/sessions/{id}/results': sessionTypes.map((type) => ({
    title: sessionTitles[type],
    answer: { results: resultsOf(type) },
  })),
  'GET /v1/sessions/{id}/events': {
    answer: {
      events: [
        { seq: 1, type: 'created', data: { status: 'created', step: 'create' }, timestamp: createdAts.remote_viewing },
        {
          seq: 2,
          type: 'analysis_started',
          data: { status: 'analyzing', step: 'analyze', progress: 0.3, attempt: 1 },
          timestamp: '2026-11-29T00:53:13.402Z',
        },
        {
          seq: 3,
          type: 'analysis_completed',
          data: { status: 'notifying', step: 'analyze', progress: 0.7 },
          timestamp: '2026-11-29T00:53:18.275Z',
        },
        {
          seq: 4,
          type: 'notified',
          data: { status: 'billing', step: 'notify', progress: 0.85 },
          timestamp: '2026-11-29T00:53:18.690Z',
        },
        {
          seq: 5,
          type: 'completed',
          data: { status: 'completed', step: 'bill', progress: 1 },
          timestamp: completedAts.remote_viewing,
        },
        {
          seq: 6,
          type: 'attachment_ready',
          data: { status: 'completed', step: 'bill', attachmentId },
          timestamp: kept.endedAt,
        },
      ],
    },
  },

  'POST /v1/sessions/{id}/shares': {
    request: { expiresInSeconds: 604_800 },
    answer: { ...share, token: 'vT2nQ8xLr5Wk0YdMh7cBz3JsGpEa9fUoXiR1tKmNq6A' },
    at: share.createdAt,
  },
  'GET /v1/sessions/{id}/shares': { answer: { items: [share] } },
  'DELETE /v1/sessions/{id}/shares/{shareId}': { answer: null },
  'GET /v1/shared/{token}': {
    answer: { session: withoutOwner(completed), results: resultsOf('remote_viewing'), expiresAt: share.expiresAt },
  },

  'POST /v1/sessions/{id}/attachments': {
    request: {
      fileName: announced.fileName,
      mediaType: announced.mediaType,
      sizeBytes: announced.sizeBytes,
      sha256,
    },
    answer: { attachment: announced, upload },
    at: announcedAt,
  },
  'GET /v1/sessions/{id}/attachments': { answer: { items: [kept] } },
  'GET /v1/sessions/{id}/attachments/{attachmentId}': { answer: { ...kept, file: download('file') } },
  'GET /v1/sessions/{id}/attachments/{attachmentId}/upload': { answer: upload, at: announcedAt },
  'POST /v1/sessions/{id}/attachments/{attachmentId}/complete': {
    answer: { ...announced, status: 'checking' },
    at: '2026-11-29T00:54:30.007Z',
  },
  'DELETE /v1/sessions/{id}/attachments/{attachmentId}': { answer: null },

  'POST /v1/sessions/{id}/outcome': {
    request: { outcome, knownAt },
    answer: outcomeAnswer,
    at: outcomeAnswer.recordedAt,
  },
  'GET /v1/sessions/{id}/outcome': { answer: outcomeAnswer },
  'GET /v1/me/track-record': { answer: trackRecordOf([{ sessionType: 'remote_viewing', scorecard }]) },
};

/** A session as whoever has its link reads it. */
function withoutOwner({ userId: _userId, metadata: _metadata, ...shown }: typeof completed) {
  return shown;
}
