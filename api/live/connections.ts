import { sessionsGoingOn } from '../../db/liveEvents.ts';
import { findSession } from '../../db/sessions.ts';
import { findTraining } from '../../db/trainings.ts';
import { ApiError, errorTable } from '../../domain/errors.ts';
import { toSharedUpdate } from '../../domain/events.ts';
import { isTerminal } from '../../domain/session.ts';
import { minuteMs, secondMs } from '../../domain/time.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { requirePermission, type Caller } from '../auth/caller.ts';
import { toApiError } from '../errors.ts';
import type { Limiter } from '../limits.ts';
import { watchCredentials } from './credentials.ts';
import { areAlike, createSignIn, type Follower, type SignIn, type SignInDeps } from './followers.ts';
import type { LiveHub, LiveReader } from './hub.ts';
import {
  subscribeSchema,
  unsubscribeSchema,
  type Acknowledgement,
  type Ending,
  type LiveError,
  type RequestType,
  type ServerMessage,
} from './messages.ts';
import { createPlaces } from './places.ts';
import { createSlowReaders, type SlowReaders } from './slowReaders.ts';
import type { TrainingWatch, TrainingWatcher } from './trainings.ts';

/** What a transport does for one connection. */
export interface Link {
  send(message: ServerMessage): void;
  /** Bytes that were sent and have not left this process. */
  unsentBytes(): number;
  /** Says why, as far as the client still reads, and ends the connection. */
  end(ending: Ending): void;
}

/** One client, whatever it came by. */
export interface LiveConnection {
  /** Handles a message of the client after those that came before it. */
  receive(type: RequestType, request: unknown, acknowledge: (answer: Acknowledgement) => void): void;
  /** To be called when the transport has ended. */
  close(): void;
}

export interface LiveConnections {
  /** Signs in on a new connection, which is counted for whose it is. @throws ApiError as `SignIn`, `rate_limited` */
  enter: SignIn;
  /** @param follower left out while the client has yet to sign in: its first message must do that, within seconds */
  open(link: Link, follower?: Follower): LiveConnection;
  close(): Promise<void>;
}

interface ConnectionDeps extends SignInDeps {
  hub: LiveHub;
  trainings: TrainingWatcher;
  metrics: Metrics;
  logger: Logger;
  limit: Limiter;
}

/** One client follows at most this many sessions and trainings by their ids. */
const maxFollowed = 1_000;
/** Enough to subscribe to all of them at once. */
const maxMessagesAMinute = 2 * maxFollowed;
const signInWithinMs = 10 * secondMs;

interface Connection {
  link: Link;
  unsentBytes(): number;
  isOpen: boolean;
  follower: Follower | undefined;
  /** Ends the connection with its credential, or when none comes. */
  expiry: NodeJS.Timeout | undefined;
  reader: LiveReader;
  trainings: Map<string, TrainingWatch>;
  /** The requests that came so far, answered one after the other. */
  answered: Promise<void>;
  minute: { beganAtMs: number; messages: number };
}

/** What the client is told of its request, and what begins behind that, so that it knows of it before its first update. */
interface Outcome {
  answer: Record<string, unknown>;
  begin?: () => void;
}

/**
 * The live connections of this process (G4): a client that is signed in follows its own sessions, and one that came by
 * a link the session that it leads to.
 */
export function createLiveConnections(deps: ConnectionDeps): LiveConnections {
  const signIn = createSignIn(deps);
  const open = new Set<Connection>();
  const places = createPlaces();
  const slowReaders: SlowReaders<Connection> = createSlowReaders((connection) => {
    endSlow(connection);
  });

  function send(connection: Connection, message: ServerMessage): void {
    if (!connection.isOpen) return;
    if (!slowReaders.mayGetMore(connection)) {
      endSlow(connection);
      return;
    }
    connection.link.send(message);
    deps.metrics.liveUpdatesTotal.inc();
  }

  function endSlow(connection: Connection): void {
    deps.metrics.liveSlowReadersTotal.inc();
    end(connection, 'slow_reader');
  }

  function end(connection: Connection, ending: Ending): void {
    if (!connection.isOpen) return;
    close(connection);
    connection.link.end(ending);
  }

  function close(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    open.delete(connection);
    clearTimeout(connection.expiry);
    slowReaders.forget(connection);
    connection.reader.unfollowAll();
    endTrainings(connection);
    if (connection.follower !== undefined) places.free(connection.follower.countedFor);
    deps.metrics.liveConnections.dec();
  }

  function endAfter(connection: Connection, delayMs: number): void {
    clearTimeout(connection.expiry);
    connection.expiry = setTimeout(() => {
      end(connection, 'unauthenticated');
    }, delayMs).unref();
  }

  /** Takes the credential from now on: the connection lasts as long as it does. */
  function admit(connection: Connection, follower: Follower): void {
    if (connection.follower === undefined && !places.take(follower.countedFor, follower.mostConnections)) {
      end(connection, 'too_many_connections');
      return;
    }
    connection.follower = follower;
    endAfter(connection, follower.expiresAtMs - Date.now());
    if (follower.by === 'share' || !follower.caller.permissions.includes('model:manage')) endTrainings(connection);
  }

  /** Its address was counted before it was opened; whoever has a link alone is known by that. */
  async function enter(request: unknown): Promise<Follower> {
    const follower = await signIn(request);
    if (follower.by !== 'share') {
      await deps.limit({ rateClass: 'read', caller: follower.caller, address: null, cost: 1 }, () => undefined);
    }
    return follower;
  }

  /** Signs in, or renews in place. A failed renewal leaves the connection as it was. */
  async function authenticate(connection: Connection, request: unknown): Promise<Outcome> {
    const follower = await (connection.follower === undefined ? enter : signIn)(request);
    if (connection.follower !== undefined && !areAlike(connection.follower, follower)) throw new ApiError('forbidden');
    return {
      answer: { expiresAt: new Date(follower.expiresAtMs).toISOString() },
      begin: () => {
        admit(connection, follower);
      },
    };
  }

  /** @throws ApiError `not_found`, `forbidden`, `validation_failed` */
  async function subscribe(connection: Connection, follower: Follower, request: unknown): Promise<Outcome> {
    const wanted = subscribeSchema.parse(request);
    if (follower.by === 'share') {
      if (!('sessionId' in wanted)) throw new ApiError('forbidden');
      if (wanted.sessionId !== follower.sessionId) throw new ApiError('not_found');
      return followSession(connection, follower, wanted);
    }
    if ('sessionId' in wanted) return followSession(connection, follower.caller, wanted);
    if ('trainingId' in wanted) return followTraining(connection, follower.caller, wanted.trainingId);
    return followUser(connection, follower.caller);
  }

  async function followSession(
    { reader, trainings }: Connection,
    owner: { userId: string },
    { sessionId, after }: { sessionId: string; after: number },
  ): Promise<Outcome> {
    const row = await findSession(deps.database.asUser(owner.userId), sessionId);
    if (row === null) throw new ApiError('not_found');
    if (!reader.isFollowing(sessionId)) requirePlace('sessionId', reader.count() + trainings.size);
    // A number that the session has not reached yet would hide what is to come.
    const from = Math.min(after, row.lastSeq);
    const isOver = isTerminal(row.status) && from >= row.lastSeq;
    return {
      answer: { lastSeq: row.lastSeq },
      ...(!isOver && {
        begin: () => {
          reader.follow(sessionId, from);
        },
      }),
    };
  }

  /** Operators alone follow trainings. */
  async function followTraining(connection: Connection, caller: Caller, trainingId: string): Promise<Outcome> {
    const { reader, trainings } = connection;
    requirePermission(caller, 'model:manage');
    if ((await findTraining(deps.database.asUser(caller.userId), trainingId)) === null) throw new ApiError('not_found');
    if (!trainings.has(trainingId)) requirePlace('trainingId', reader.count() + trainings.size);
    return {
      answer: {},
      begin: () => {
        trainings.get(trainingId)?.end();
        const watch = deps.trainings.watch(trainingId, (update) => {
          if (update.data.state !== 'running') trainings.delete(trainingId);
          send(connection, update);
        });
        trainings.set(trainingId, watch);
      },
    };
  }

  async function followUser({ reader }: Connection, { userId }: Caller): Promise<Outcome> {
    const em = deps.database.asUser(userId);
    const rows = await sessionsGoingOn(em, { userId, limit: maxFollowed });
    return {
      answer: {},
      begin: () => {
        const standing = rows.map(({ status, ...row }) => ({ ...row, ended: isTerminal(status) }));
        reader.followUser(userId, standing);
      },
    };
  }

  function unsubscribe({ reader, trainings }: Connection, request: unknown): Outcome {
    const wanted = unsubscribeSchema.parse(request);
    if ('sessionId' in wanted) reader.unfollow(wanted.sessionId);
    else if ('trainingId' in wanted) {
      trainings.get(wanted.trainingId)?.end();
      trainings.delete(wanted.trainingId);
    } else reader.unfollowAll();
    return { answer: {} };
  }

  async function handle(connection: Connection, type: RequestType, request: unknown): Promise<Outcome> {
    if (type === 'authenticate') return authenticate(connection, request);
    if (connection.follower === undefined) throw new ApiError('unauthenticated');
    switch (type) {
      case 'subscribe':
        return subscribe(connection, connection.follower, request);
      case 'unsubscribe':
        return unsubscribe(connection, request);
    }
  }

  async function answer(
    connection: Connection,
    outcome: Promise<Outcome>,
    acknowledge: (answer: Acknowledgement) => void,
  ): Promise<void> {
    try {
      const { answer, begin } = await outcome;
      if (!connection.isOpen) return;
      acknowledge({ ok: true, ...answer });
      begin?.();
    } catch (error) {
      const liveError = toLiveError(error);
      if (errorTable[liveError.code].status >= 500) deps.logger.error({ error }, 'a live request failed');
      if (!connection.isOpen) return;
      acknowledge({ ok: false, error: liveError });
      if (connection.follower === undefined) end(connection, endingFor(liveError));
    }
  }

  const credentials = watchCredentials(deps, {
    followers: () => [...open].flatMap(({ follower }) => follower ?? []),
    onEnded: (credentialIds) => {
      for (const connection of open) {
        if (credentialIds.has(connection.follower?.credentialId ?? '')) end(connection, 'unauthenticated');
      }
    },
  });

  return {
    enter,

    open(link, follower) {
      deps.metrics.liveConnections.inc();
      const connection: Connection = {
        link,
        unsentBytes: () => link.unsentBytes(),
        isOpen: true,
        follower: undefined,
        expiry: undefined,
        reader: deps.hub.join((update) => {
          send(connection, connection.follower?.by === 'share' ? toSharedUpdate(update) : update);
        }),
        trainings: new Map(),
        answered: Promise.resolve(),
        minute: { beganAtMs: Date.now(), messages: 0 },
      };
      open.add(connection);
      if (follower === undefined) endAfter(connection, signInWithinMs);
      else admit(connection, follower);

      return {
        receive(type, request, acknowledge) {
          if (!connection.isOpen) return;
          if (!countMessage(connection)) {
            end(connection, 'too_many_messages');
            return;
          }
          // Answers pile up like updates where nobody reads them.
          if (!slowReaders.mayGetMore(connection)) {
            endSlow(connection);
            return;
          }
          connection.answered = connection.answered.then(() =>
            connection.isOpen ? answer(connection, handle(connection, type, request), acknowledge) : undefined,
          );
        },
        close() {
          close(connection);
        },
      };
    },

    async close() {
      slowReaders.close();
      await credentials.close();
    },
  };
}

function endTrainings({ trainings }: Connection): void {
  trainings.forEach((watch) => {
    watch.end();
  });
  trainings.clear();
}

/** @throws ApiError `validation_failed` */
function requirePlace(path: string, followed: number): void {
  if (followed < maxFollowed) return;
  throw new ApiError('validation_failed', [{ path, message: `at most ${maxFollowed} a connection` }]);
}

/** Why a connection ends on which the sign-in was refused, or could not be looked at. */
function endingFor({ code }: LiveError): Ending {
  if (code === 'rate_limited') return 'rate_limited';
  return errorTable[code].status >= 500 ? 'unavailable' : 'unauthenticated';
}

/** Says false once the client has sent more in a minute than any honest one. */
function countMessage(connection: Connection): boolean {
  const nowMs = Date.now();
  if (nowMs - connection.minute.beganAtMs > minuteMs) connection.minute = { beganAtMs: nowMs, messages: 0 };
  connection.minute.messages += 1;
  return connection.minute.messages <= maxMessagesAMinute;
}

/** What a live client may know of an error: its code and the sentence of the table. */
export function toLiveError(error: unknown): LiveError {
  const { code } = toApiError(error);
  return { code, message: errorTable[code].message };
}
