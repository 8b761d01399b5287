import type { RecordedEvent, SessionEvent, SessionEventFacts, SessionEventType } from '../domain/events.ts';

/** An event as a statement returns it: `returning seq, type, data, created_at`. */
export interface EventRow {
  seq: number;
  type: SessionEventType;
  data: SessionEventFacts;
  /** As PostgreSQL prints it. */
  created_at: string;
}

/** The event that a statement returned. */
export function eventOf({ seq, type, data, created_at }: EventRow): SessionEvent {
  return { seq, type, data, timestamp: new Date(created_at).toISOString() };
}

/** The event that a statement returned together with the owner of its session. */
export function recordedEventOf(row: EventRow & { user_id: string }): RecordedEvent {
  return { ...eventOf(row), userId: row.user_id };
}

/** What the events of a session say while it is still being recorded. */
export const recordingFacts: SessionEventFacts = { status: 'created', step: 'create', progress: 0.2 };
