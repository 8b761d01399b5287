import { createServer, type Server as HttpServer } from 'node:http';
import type { CorsOptions } from 'cors';
import { Server, type Socket } from 'socket.io';
import { secondMs } from '../../domain/time.ts';
import type { Follower } from './followers.ts';
import { toLiveError, type Link, type LiveConnections } from './connections.ts';
import { endMessage, maxMessageBytes, requestTypes, type RequestType, type ServerMessage } from './messages.ts';

type ClientEvents = Record<RequestType, (request: unknown, acknowledge?: unknown) => void>;
type ServerEvents = { [M in ServerMessage as M['type']]: (message: M) => void };
type NoEvents = Record<string, never>;
type LiveSocket = Socket<ClientEvents, ServerEvents, NoEvents, { follower: Follower }>;

export interface SocketIoTransport {
  /** Listens nowhere: requests and upgrades are handed to it as events. */
  http: HttpServer;
  close(): Promise<void>;
}

/** Live updates for clients of Socket.IO: a message is an event of the name of its type, its answer the acknowledgement. */
export function createSocketIoTransport(
  path: string,
  connections: LiveConnections,
  cors: CorsOptions,
): SocketIoTransport {
  const http = createServer();
  const io = new Server<ClientEvents, ServerEvents, NoEvents, { follower: Follower }>(http, {
    path,
    // For its polling; a WebSocket knows no CORS.
    cors,
    // Both `/v1/ws` and `/v1/ws/`, which Socket.IO's own client asks for.
    addTrailingSlash: false,
    serveClient: false,
    transports: ['websocket', 'polling'],
    connectTimeout: 10 * secondMs,
    maxHttpBufferSize: maxMessageBytes,
    // Updates are too small to gain by compression.
    perMessageDeflate: false,
    httpCompression: false,
  });

  const greeted = new WeakSet<object>();
  io.use((socket, next) => {
    // Another greeting over the same line would be another live connection that nobody counted. Clients send one.
    if (greeted.has(socket.conn)) {
      socket.conn.close(true);
      return;
    }
    greeted.add(socket.conn);
    connections.enter(socket.handshake.auth).then(
      (follower) => {
        socket.data = { follower };
        next();
      },
      (error: unknown) => {
        next(Object.assign(new Error('refused'), { data: toLiveError(error) }));
      },
    );
  });

  io.on('connection', (socket) => {
    const connection = connections.open(linkOf(socket), socket.data.follower);
    for (const type of requestTypes) {
      socket.on(type, (request: unknown, acknowledge?: unknown) => {
        connection.receive(type, request, isCallback(acknowledge) ? acknowledge : () => undefined);
      });
    }
    socket.on('disconnect', () => {
      connection.close();
    });
  });

  return {
    http,
    close() {
      // Their lines break, so that clients connect to another gateway by themselves; who is sent away does not come back.
      return io.close();
    },
  };
}

function isCallback(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function';
}

function linkOf(socket: LiveSocket): Link {
  const { conn } = socket;
  /** Handed to the transport, which says whether it is through with it, and waiting for that. */
  let inTransport = 0;
  let waiting = 0;
  conn.on('packetCreate', ({ data }: { data?: unknown }) => {
    if (typeof data === 'string') waiting += data.length;
  });
  conn.on('drain', () => {
    inTransport = waiting;
    waiting = 0;
  });
  return {
    send(message) {
      switch (message.type) {
        case 'session_update':
          socket.emit(message.type, message);
          return;
        case 'training_update':
          socket.emit(message.type, message);
          return;
        default:
          socket.emit(message.type, message);
      }
    },
    unsentBytes: () => waiting + (conn.transport.writable ? 0 : inTransport),
    end(ending) {
      socket.emit(ending, endMessage(ending));
      // Behind a backlog the goodbye would wait for a reader that does not read.
      if (ending === 'slow_reader') conn.close(true);
      else socket.disconnect(true);
    },
  };
}
