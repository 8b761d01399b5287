import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import { findSession } from '../../db/sessions.ts';
import { findTraining } from '../../db/trainings.ts';
import type { Database } from '../../db/database.ts';
import { ApiError, errorTable, type ErrorCode } from '../../domain/errors.ts';
import type { SessionUpdate } from '../../domain/events.ts';
import { isTerminal } from '../../domain/session.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { AccessTokens } from '../auth/accessTokens.ts';
import { requirePermission, type Caller } from '../auth/caller.ts';
import { toApiError } from '../errors.ts';
import type { LiveHub, Watch } from './hub.ts';
import type { TrainingUpdate, TrainingWatcher } from './trainings.ts';

/** What a live client is told of a refusal. */
interface LiveError {
  code: ErrorCode;
  message: string;
}

type Acknowledge<T> = (answer: ({ ok: true } & T) | { ok: false; error: LiveError }) => void;

interface ClientEvents {
  subscribe: (request: unknown, acknowledge?: unknown) => void;
  unsubscribe: (request: unknown, acknowledge?: unknown) => void;
}

interface ServerEvents {
  session_update: (update: SessionUpdate) => void;
  training_update: (update: TrainingUpdate) => void;
  unauthenticated: (error: LiveError) => void;
}

interface SocketData {
  caller: Caller;
  /** By the id of the session or training. */
  watches: Map<string, Watch>;
}

type LiveSocket = Socket<ClientEvents, ServerEvents, Record<string, never>, SocketData>;
export type LiveServer = Server<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

const handshakeSchema = z.object({ token: z.string().min(1) });
const sessionSchema = z.strictObject({
  sessionId: z.uuid(),
  after: z.int().min(0).max(2_147_483_647).default(0),
});
const trainingSchema = z.strictObject({ trainingId: z.uuid() });
const subscribeSchema = z.union([sessionSchema, trainingSchema]);
const unsubscribeSchema = z.union([z.strictObject({ sessionId: z.uuid() }), trainingSchema]);

/** One client watches at most this many sessions and trainings over one socket. */
const maxWatches = 1_000;

interface SocketDeps {
  database: Database;
  tokens: AccessTokens;
  hub: LiveHub;
  trainings: TrainingWatcher;
  metrics: Metrics;
  logger: Logger;
}

/** Live updates at `/v1/ws` (G4): a client that is signed in watches its own sessions. */
export function serveLiveUpdates(http: HttpServer, deps: SocketDeps): LiveServer {
  const io: LiveServer = new Server(http, {
    path: '/v1/ws',
    serveClient: false,
    transports: ['websocket', 'polling'],
    // Clients only ever send ids, and updates are too small to gain by compression.
    maxHttpBufferSize: 16 * 1_024,
    perMessageDeflate: false,
    httpCompression: false,
  });

  io.use((socket, next) => {
    signIn(deps.tokens, socket).then(
      () => {
        next();
      },
      (error: unknown) => {
        next(Object.assign(new Error('unauthenticated'), { data: toLiveError(error) }));
      },
    );
  });
  io.on('connection', (socket) => {
    welcome(deps, socket);
  });
  return io;
}

async function signIn(tokens: AccessTokens, socket: LiveSocket): Promise<void> {
  const handshake = handshakeSchema.safeParse(socket.handshake.auth);
  if (!handshake.success) throw new ApiError('unauthenticated');
  const caller = await tokens.verify(handshake.data.token);
  requirePermission(caller, 'session:read');
  socket.data = { caller, watches: new Map() };
}

function welcome(deps: SocketDeps, socket: LiveSocket): void {
  const { caller, watches } = socket.data;
  deps.metrics.liveConnections.inc();
  const expiry = setTimeout(() => {
    socket.emit('unauthenticated', toLiveError(new ApiError('unauthenticated')));
    socket.disconnect(true);
  }, caller.expiresAtMs - Date.now());
  expiry.unref();

  socket.on('disconnect', () => {
    clearTimeout(expiry);
    deps.metrics.liveConnections.dec();
    watches.forEach((watch) => {
      watch.end();
    });
    watches.clear();
  });

  socket.on('subscribe', (request, acknowledge) => {
    answer(deps.logger, acknowledge, () => subscribe(deps, socket, request));
  });
  socket.on('unsubscribe', (request, acknowledge) => {
    answer(deps.logger, acknowledge, () => {
      const watched = unsubscribeSchema.parse(request);
      end(watches, 'sessionId' in watched ? watched.sessionId : watched.trainingId);
      return Promise.resolve({ answer: {} });
    });
  });
}

interface Outcome {
  answer: Record<string, unknown>;
  /** What comes behind the acknowledgement, so that a client knows of its subscription before its first update. */
  begin?: () => void;
}

function answer(logger: Logger, acknowledge: unknown, handle: () => Promise<Outcome>): void {
  const reply: Acknowledge<Record<string, unknown>> = isCallback(acknowledge) ? acknowledge : () => undefined;
  Promise.resolve()
    .then(handle)
    .then(({ answer, begin }) => {
      reply({ ok: true, ...answer });
      begin?.();
    })
    .catch((error: unknown) => {
      const liveError = toLiveError(error);
      if (errorTable[liveError.code].status >= 500) logger.error({ error }, 'a live request failed');
      reply({ ok: false, error: liveError });
    });
}

function isCallback(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function';
}

/** @throws ApiError `not_found`, `forbidden`, `validation_failed` */
function subscribe(deps: SocketDeps, socket: LiveSocket, request: unknown): Promise<Outcome> {
  const wanted = subscribeSchema.parse(request);
  return 'sessionId' in wanted ? watchSession(deps, socket, wanted) : watchTraining(deps, socket, wanted);
}

function end(watches: Map<string, Watch>, id: string): void {
  watches.get(id)?.end();
  watches.delete(id);
}

/** @throws ApiError `validation_failed` */
function requirePlace(watches: ReadonlyMap<string, Watch>, path: string, id: string): void {
  if (watches.has(id) || watches.size < maxWatches) return;
  throw new ApiError('validation_failed', [{ path, message: `at most ${maxWatches} a connection` }]);
}

/** Operators alone watch trainings. */
async function watchTraining(
  { database, trainings, metrics }: SocketDeps,
  socket: LiveSocket,
  { trainingId }: z.output<typeof trainingSchema>,
): Promise<Outcome> {
  const { caller, watches } = socket.data;
  requirePermission(caller, 'model:manage');
  if ((await findTraining(database.asUser(caller.userId), trainingId)) === null) throw new ApiError('not_found');
  requirePlace(watches, 'trainingId', trainingId);
  return {
    answer: {},
    begin: () => {
      end(watches, trainingId);
      if (!socket.connected) return;
      const watch = trainings.watch(trainingId, (update) => {
        socket.emit('training_update', update);
        metrics.liveUpdatesTotal.inc();
        if (update.data.state !== 'running') watches.delete(trainingId);
      });
      watches.set(trainingId, watch);
    },
  };
}

async function watchSession(
  { database, hub, metrics }: SocketDeps,
  socket: LiveSocket,
  { sessionId, after }: z.output<typeof sessionSchema>,
): Promise<Outcome> {
  const { caller, watches } = socket.data;
  const row = await findSession(database.asUser(caller.userId), sessionId);
  if (row === null) throw new ApiError('not_found');
  requirePlace(watches, 'sessionId', sessionId);
  return {
    answer: { lastSeq: row.lastSeq },
    begin: () => {
      end(watches, sessionId);
      // A number that the session has not reached yet would hide what is to come.
      const from = Math.min(after, row.lastSeq);
      if (!socket.connected || (isTerminal(row.status) && from >= row.lastSeq)) return;
      const watch = hub.watch(sessionId, from, (update) => {
        socket.emit('session_update', update);
        metrics.liveUpdatesTotal.inc();
        if (isTerminal(update.data.status)) watches.delete(sessionId);
      });
      watches.set(sessionId, watch);
    },
  };
}

function toLiveError(error: unknown): LiveError {
  const { code } = toApiError(error);
  return { code, message: errorTable[code].message };
}
