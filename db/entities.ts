import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { SessionEventFacts, SessionEventType } from '../domain/events.ts';
import type { SessionMetadata } from '../domain/content.ts';
import type { OutcomeOf } from '../domain/outcomes.ts';
import type { ModelResult, ResultType } from '../domain/results.ts';
import type { Scorecard } from '../domain/scoring.ts';
import type { SessionStatus, SessionStep, SessionType, StuckCause } from '../domain/session.ts';
import type { TrainingDecision, TrainingStage, TrainingState } from '../domain/trainings.ts';
import { AccountErasure } from './accountErasures.ts';
import { AccountExport } from './accountExports.ts';
import { AccountNotice } from './accountNotices.ts';
import { Attachment } from './attachments.ts';
import { AccountState } from './accountStates.ts';
import { ApiKey } from './apiKeys.ts';
import { AuditEntry } from './auditEntries.ts';
import { Backup, Rehearsal } from './backups.ts';
import { BulkAction, BulkActionSession } from './bulkActions.ts';
import { ContentKey } from './contentKeys.ts';
import { IdempotencyKey } from './idempotencyKeys.ts';
import { SessionShare } from './sessionShares.ts';
import { Login, RefreshToken } from './logins.ts';
import { Passkey } from './passkeys.ts';
import { ownRows, rowsOfOwnSessions, timestamp } from './rowSecurity.ts';
import { StepFailure } from './stepFailures.ts';
import { StuckSearch, StuckSession } from './stuckSessions.ts';
import { SystemConfigRow } from './systemConfig.ts';
import { RecoveryCode, TotpSecret } from './totp.ts';
import { User, UserRole } from './users.ts';
import { WebhookDelivery, WebhookEndpoint } from './webhooks.ts';

/** `sessions`, column for column as specified (D1). What else we keep of a session stands in `session_states`. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  indexes: [
    { name: 'sessions_user_created', properties: ['user', 'createdAt', 'id'] },
    {
      name: 'sessions_user_completed',
      expression: `create index "sessions_user_completed" on "sessions" (user_id, coalesce(completed_at, 'infinity'::timestamptz), id)`,
    },
    {
      name: 'sessions_cue_search',
      expression: `create index "sessions_cue_search" on "sessions" using gin (user_id, to_tsvector('simple', cue))`,
    },
  ],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    user: () => p.manyToOne(User).mapToPk().fieldName('user_id').deleteRule('no action').updateRule('no action'),
    cue: p.text(),
    sessionType: p.string().$type<SessionType>().length(50),
    status: p.string().$type<SessionStatus>().length(50).default('pending'),
    metadata: p.json().$type<SessionMetadata>().nullable(),
    createdAt: timestamp().nullable().defaultRaw('now()'),
    completedAt: timestamp().nullable(),
  },
  policies: [ownRows('sessions_owner', 'user_id')],
});
export type Session = InferEntity<typeof Session>;

/** `analysis_results`, column for column as specified (D1). */
export const AnalysisResult = defineEntity({
  name: 'AnalysisResult',
  tableName: 'analysis_results',
  indexes: [{ name: 'analysis_results_session', properties: ['session'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    session: () =>
      p.manyToOne(Session).mapToPk().fieldName('session_id').deleteRule('no action').updateRule('no action'),
    resultType: p.string().$type<ResultType>().length(100),
    confidenceScore: p.decimal('number').precision(5).scale(4),
    data: p.json().$type<ModelResult['data']>(),
    createdAt: timestamp().nullable().defaultRaw('now()'),
  },
  policies: [rowsOfOwnSessions('analysis_results_owner')],
});
export type AnalysisResult = InferEntity<typeof AnalysisResult>;

/** What turned out to be true of a session, and what the session scored by it; it goes with the session. */
export const OutcomeRow = defineEntity({
  name: 'OutcomeRow',
  tableName: 'outcomes',
  properties: {
    session: () =>
      p.manyToOne(Session).mapToPk().fieldName('session_id').primary().deleteRule('no action').updateRule('no action'),
    outcome: p.json().$type<OutcomeOf<SessionType>>(),
    scorecard: p.json().$type<Scorecard>(),
    /** When it turned out to be true, as the one who recorded it says. */
    knownAt: timestamp(),
    recordedAt: timestamp().defaultRaw('now()'),
    recordedBy: p.uuid(),
  },
  policies: [rowsOfOwnSessions('outcomes_owner')],
});
export type OutcomeRow = InferEntity<typeof OutcomeRow>;

/**
 * What the platform keeps of a session beside the specified columns. The row outlives a deleted session as its
 * tombstone (`deleted_at`), so that the Idempotency-Key that named the session can never name another one.
 */
export const SessionState = defineEntity({
  name: 'SessionState',
  tableName: 'session_states',
  indexes: [
    {
      name: 'session_states_stuck',
      expression: `create index "session_states_stuck" on "session_states" (session_id) where stuck is not null`,
    },
  ],
  properties: {
    sessionId: p.uuid().primary(),
    userId: p.uuid(),
    /** Keyed hash of the request that created the session; tells a repeated request from another one. */
    fingerprint: p.string().length(64),
    /** Where the sealed content lies in object storage; a change of content is a new object. */
    contentKey: p.string().length(200),
    hasImpressions: p.boolean(),
    step: p.string().$type<SessionStep>().length(20).nullable(),
    /** The number of the session's newest event. */
    lastSeq: p.integer().default(0),
    stuck: p.json().$type<StuckCause>().nullable(),
    updatedAt: timestamp().defaultRaw('now()'),
    deletedAt: timestamp().nullable(),
  },
  policies: [ownRows('session_states_owner', 'user_id')],
});
export type SessionState = InferEntity<typeof SessionState>;

/** The numbered events of a session: the truth that live updates are read from. */
export const SessionEventRow = defineEntity({
  name: 'SessionEventRow',
  tableName: 'session_events',
  indexes: [{ name: 'session_events_newest', properties: ['createdAt'] }],
  properties: {
    sessionId: p.uuid().primary(),
    seq: p.integer().primary(),
    type: p.string().$type<SessionEventType>().length(50),
    data: p.json().$type<SessionEventFacts>(),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [rowsOfOwnSessions('session_events_owner')],
});
export type SessionEventRow = InferEntity<typeof SessionEventRow>;

/** Whom Stripe knows a user as. */
export const BillingAccount = defineEntity({
  name: 'BillingAccount',
  tableName: 'billing_accounts',
  properties: {
    user: () =>
      p.manyToOne(User).mapToPk().fieldName('user_id').primary().deleteRule('cascade').updateRule('no action'),
    stripeCustomerId: p.string().length(255),
    createdAt: timestamp().defaultRaw('now()'),
  },
  policies: [],
  rowLevelSecurity: true,
});
export type BillingAccount = InferEntity<typeof BillingAccount>;

/** `sending` is written before Stripe is called, so that a lost answer is never taken for "not billed". */
export const billStates = ['sending', 'sent', 'void'] as const;
export type BillState = (typeof billStates)[number];

/** One bill a session at the most: the primary key says so. It outlives the session. */
export const Bill = defineEntity({
  name: 'Bill',
  tableName: 'bills',
  properties: {
    sessionId: p.uuid().primary(),
    userId: p.uuid(),
    units: p.integer(),
    state: p.string().$type<BillState>().length(20),
    firstSentAt: timestamp().defaultRaw('now()'),
    updatedAt: timestamp().defaultRaw('now()'),
  },
  policies: [ownRows('bills_owner', 'user_id')],
});
export type Bill = InferEntity<typeof Bill>;

/** A model, and which of its versions do what. `active_version` is null until the first one is promoted. */
export const Model = defineEntity({
  name: 'Model',
  tableName: 'models',
  properties: {
    name: p.string().$type<SessionType>().length(50).primary(),
    activeVersion: p.string().length(50).nullable(),
    /** Analyzes `canary_share` of the sessions in place of the active one. */
    canaryVersion: p.string().length(50).nullable(),
    /** 0 to 1; 0 where there is no canary. */
    canaryShare: p.float().default(0),
    /** Runs beside, on the same sessions, and is only compared. */
    shadowVersion: p.string().length(50).nullable(),
    /** Since when sessions wait for the model; null while they do not. */
    pausedAt: timestamp().nullable(),
    pauseReason: p.text().nullable(),
    updatedAt: timestamp().defaultRaw('now()'),
    /** The operator; null when the platform did it. */
    updatedBy: p.uuid().nullable(),
  },
});
export type Model = InferEntity<typeof Model>;

/** Versions of the models; the artefact lies sealed in object storage. What is not known of an older one is null. */
export const ModelVersion = defineEntity({
  name: 'ModelVersion',
  tableName: 'model_versions',
  properties: {
    name: p.string().$type<SessionType>().length(50).primary(),
    version: p.string().length(50).primary(),
    // Both are nothing that a client may be shown, so they are read only where they are asked for.
    artefactKey: p.string().length(200).lazy(),
    sha256: p.string().length(64).lazy(),
    /** Held-out figures, each beside its chance baseline, as the model card has them. */
    figures: p.json().$type<readonly ModelFigure[]>(),
    seed: p.integer().nullable(),
    /** How many sessions it was trained on. */
    sessions: p.integer().nullable(),
    /** What it was trained on: a backend of TensorFlow.js. */
    backend: p.string().length(20).nullable(),
    /** How what the model observes was distributed over the training's sessions; drift is measured against it. */
    profile: p.json().$type<ModelProfile>().nullable(),
    /** The model's card in Markdown. */
    card: p.text().nullable(),
    createdAt: timestamp().defaultRaw('now()'),
    createdBy: p.uuid().nullable(),
  },
});
export type ModelVersion = InferEntity<typeof ModelVersion>;

export const modelChangeKinds = ['promote', 'rollback', 'canary', 'shadow', 'pause', 'resume'] as const;
export type ModelChangeKind = (typeof modelChangeKinds)[number];

/** Who changed what of a model, and why: one row a change, never altered. */
export const ModelChange = defineEntity({
  name: 'ModelChange',
  tableName: 'model_changes',
  indexes: [{ name: 'model_changes_name', properties: ['name', 'id'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string().$type<SessionType>().length(50),
    kind: p.string().$type<ModelChangeKind>().length(20),
    /** The version that did before what `to_version` does after; null for none. */
    fromVersion: p.string().length(50).nullable(),
    toVersion: p.string().length(50).nullable(),
    /** Of a canary: the share of sessions it gets. */
    share: p.float().nullable(),
    reason: p.text().nullable(),
    changedAt: timestamp().defaultRaw('now()'),
    /** The operator; null when the platform did it. */
    changedBy: p.uuid().nullable(),
  },
});
export type ModelChange = InferEntity<typeof ModelChange>;

/**
 * How a shadow compared with the version that answered, over all sessions that both analyzed. No session can be told
 * from it, so nothing of it has to go when a session does.
 */
export const ModelComparison = defineEntity({
  name: 'ModelComparison',
  tableName: 'model_comparisons',
  properties: {
    name: p.string().$type<SessionType>().length(50).primary(),
    /** The version that answered. */
    version: p.string().length(50).primary(),
    shadowVersion: p.string().length(50).primary(),
    resultType: p.string().$type<ResultType>().length(100).primary(),
    sessions: p.integer(),
    /** In how many of them both said the same. */
    agreed: p.integer(),
    /** The sum over the sessions of how far the shadow's confidence lay from the other's. */
    confidenceDifference: p.float().columnType('double precision'),
    updatedAt: timestamp().defaultRaw('now()'),
  },
});
export type ModelComparison = InferEntity<typeof ModelComparison>;

/** Trainings of models: how each stands, and what came of it. At most one of a model is running. */
export const Training = defineEntity({
  name: 'Training',
  tableName: 'trainings',
  indexes: [{ name: 'trainings_started', properties: ['startedAt', 'id'] }],
  uniques: [{ name: 'trainings_one_running', properties: ['model'], where: `(state)::text = 'running'::text` }],
  properties: {
    id: p.uuid().primary(),
    model: p.string().$type<SessionType>().length(50),
    /** The version it makes; null until its recipe was read. */
    version: p.string().length(50).nullable(),
    /** How many sessions are simulated; null until its recipe was read, where nobody said. */
    sessions: p.integer().nullable(),
    /** How many consented real sessions it learns from beside those. */
    realSessions: p.integer().default(0),
    seed: p.integer(),
    /** Keyed hash of the request that started it; tells a repeated request from another one. */
    fingerprint: p.string().length(64),
    /** The operator; null when it was started on the command line. */
    startedBy: p.uuid().nullable(),
    state: p.string().$type<TrainingState>().length(20).default('running'),
    stage: p.string().$type<TrainingStage>().length(20).default('simulate'),
    /** Share of the stage that is done, 0 to 1. */
    stageDone: p.float().columnType('double precision').default(0),
    /** How many epochs are done. */
    epoch: p.integer().default(0),
    epochs: p.integer().nullable(),
    /** The mean loss of each network in the newest epoch. */
    losses: p.json().$type<Readonly<Record<string, number>>>().nullable(),
    samplesPerSecond: p.float().columnType('double precision').nullable(),
    /** Of the stage. */
    secondsLeft: p.float().columnType('double precision').nullable(),
    /** On the frozen test set, as those of the version that was active when they were measured. */
    figures: p.json().$type<readonly ModelFigure[]>().nullable(),
    activeVersion: p.string().length(50).nullable(),
    activeFigures: p.json().$type<readonly ModelFigure[]>().nullable(),
    decision: p.string().$type<TrainingDecision>().length(20).nullable(),
    /** Of the decision. */
    reason: p.text().nullable(),
    /** Why it failed, in plain words. */
    failure: p.text().nullable(),
    startedAt: timestamp().defaultRaw('now()'),
    updatedAt: timestamp().defaultRaw('now()'),
    endedAt: timestamp().nullable(),
  },
});
export type Training = InferEntity<typeof Training>;

/** One held-out figure of a model, and what chance or the baseline gives for it. */
export interface ModelFigure {
  name: string;
  value: number;
  chance: number;
  meaning: string;
}

/** Bins of what a model observes, by name: `edges` part them, `shares` say how much of the training lay in each. */
export type ModelProfile = Readonly<Record<string, { edges: readonly number[]; shares: readonly number[] }>>;

export const entities = [
  User,
  UserRole,
  AccountState,
  Session,
  AnalysisResult,
  OutcomeRow,
  SessionState,
  SessionEventRow,
  Login,
  RefreshToken,
  TotpSecret,
  RecoveryCode,
  Passkey,
  BillingAccount,
  Bill,
  Model,
  ModelVersion,
  ModelChange,
  ModelComparison,
  Training,
  ContentKey,
  IdempotencyKey,
  SessionShare,
  AccountErasure,
  AccountExport,
  AccountNotice,
  Attachment,
  WebhookEndpoint,
  WebhookDelivery,
  SystemConfigRow,
  ApiKey,
  AuditEntry,
  StuckSession,
  StuckSearch,
  StepFailure,
  Backup,
  Rehearsal,
  BulkAction,
  BulkActionSession,
];
