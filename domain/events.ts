import type { SessionStatus, SessionStep, StuckCode } from './session.ts';

/** What can happen to a session, in the order a smooth run shows it; a session's events are numbered 1, 2, 3, … */
export const sessionEventTypes = [
  'created',
  'updated',
  'analysis_started',
  'analysis_completed',
  'notified',
  'completed',
  'stuck',
  'retried',
  'restarted',
  'failed',
  'cancelled',
  'expired',
  'attachment_ready',
  'attachment_rejected',
  'attachment_expired',
] as const;
export type SessionEventType = (typeof sessionEventTypes)[number];

/** What an event says besides its number: small facts, nothing restricted. */
export interface SessionEventFacts {
  status: SessionStatus;
  step: SessionStep | null;
  /** Share of the path that is done, 0 to 1. */
  progress?: number;
  /** Which attempt of the step this is, from 1. */
  attempt?: number;
  stuck?: { code: StuckCode; message: string };
  /** The attachment that came to its end. */
  attachmentId?: string;
}

/** An event as it is stored and as clients read it. */
export interface SessionEvent {
  seq: number;
  type: SessionEventType;
  data: SessionEventFacts;
  /** ISO 8601, UTC. */
  timestamp: string;
}

/** An event that was just written, with the owner of its session: who follows all sessions of a user is found by it. */
export interface RecordedEvent extends SessionEvent {
  userId: string;
}

/** The live message of the wire contract (G4). */
export interface SessionUpdate {
  type: 'session_update';
  sessionId: string;
  data: SessionEventFacts & { seq: number; event: SessionEventType };
  timestamp: string;
}

/** An update on its way to the live clients, with the owner of its session. Only the update reaches them. */
export interface LiveEvent {
  userId: string;
  update: SessionUpdate;
}

/** An event as every gateway hears of it, for its live clients. */
export function toLiveEvent(sessionId: string, event: RecordedEvent): LiveEvent {
  return { userId: event.userId, update: toSessionUpdate(sessionId, event) };
}

/** An event in the form that goes over the wire to a live client. */
export function toSessionUpdate(sessionId: string, event: SessionEvent): SessionUpdate {
  return {
    type: 'session_update',
    sessionId,
    data: { ...event.data, seq: event.seq, event: event.type },
    timestamp: event.timestamp,
  };
}

/** What whoever holds the link to a session is told of an event: how the session stands, as the link shows it. */
export function toSharedUpdate({ data, ...update }: SessionUpdate): SessionUpdate {
  const { seq, event, status, step, progress } = data;
  return {
    ...update,
    data: { seq, event: sharedEvents[event], status, step, ...(progress !== undefined && { progress }) },
  };
}

/** What is between its owner and the platform says no more than that something was done, so that no number is left out. */
const sharedEvents: Record<SessionEventType, SessionEventType> = {
  created: 'created',
  updated: 'updated',
  analysis_started: 'analysis_started',
  analysis_completed: 'analysis_completed',
  notified: 'notified',
  completed: 'completed',
  stuck: 'updated',
  retried: 'updated',
  restarted: 'updated',
  failed: 'failed',
  cancelled: 'cancelled',
  expired: 'expired',
  attachment_ready: 'updated',
  attachment_rejected: 'updated',
  attachment_expired: 'updated',
};
