import { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { SessionUpdate } from '../../domain/events.ts';
import type { TrainingUpdate } from './trainings.ts';

/**
 * The messages of `/v1/ws` (G4): the same over Socket.IO, where a message is an event of the name of its type, and over
 * plain WebSocket, where it is a JSON object.
 */
export const requestTypes = ['authenticate', 'subscribe', 'unsubscribe'] as const;
export type RequestType = (typeof requestTypes)[number];

/** Clients send ids and tokens, nothing large. */
export const maxMessageBytes = 16 * 1_024;

export const authenticateSchema = z.union([
  z.strictObject({ token: z.string().min(1).max(8_192) }),
  z.strictObject({ apiKey: z.string().min(1).max(200) }),
  /** The token of a link, by which one session alone is followed. */
  z.strictObject({ share: z.string().min(1).max(200) }),
]);

const sessionSchema = z.strictObject({ sessionId: z.uuid() });
const trainingSchema = z.strictObject({ trainingId: z.uuid() });
/** Every session of the caller, also those to come. */
const userSchema = z.strictObject({ user: z.literal(true) });

export const subscribeSchema = z.union([
  z.strictObject({ ...sessionSchema.shape, after: z.int().min(0).max(2_147_483_647).default(0) }),
  trainingSchema,
  userSchema,
]);
export const unsubscribeSchema = z.union([sessionSchema, trainingSchema, userSchema]);

/** What a live client is told of a refusal. */
export interface LiveError {
  code: ErrorCode;
  message: string;
}

export type Acknowledgement = ({ ok: true } & Record<string, unknown>) | { ok: false; error: LiveError };

/** Why the server ends a connection; the client is told in a message of this type, as far as it still reads. */
export const endings = {
  unauthenticated: {
    code: 4401,
    message: 'What you showed has ended, or you showed nothing in time. Connect with what is good.',
  },
  /** 1013 is "Try Again Later" in IANA's registry of close codes. */
  unavailable: { code: 1013, message: 'We cannot tell at the moment whether what you showed is good. Connect again.' },
  slow_reader: { code: 4408, message: 'Updates were not read in time. Connect again and subscribe with "after".' },
  rate_limited: { code: 4429, message: 'Too many connections and requests in a minute. Connect again later.' },
  too_many_connections: {
    code: 4429,
    message: 'The account holds as many connections as it may. Close one, then connect again.',
  },
  too_many_messages: { code: 4429, message: 'Too many messages in a minute. Connect again later.' },
} as const;
export type Ending = keyof typeof endings;

export interface EndMessage {
  type: Ending;
  code: Ending;
  message: string;
}

/** The last message on a connection, which says why it ends. */
export function endMessage(ending: Ending): EndMessage {
  return { type: ending, code: ending, message: endings[ending].message };
}

export type ServerMessage = SessionUpdate | TrainingUpdate | EndMessage;
