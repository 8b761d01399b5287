import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { z } from 'zod';
import { secondMs } from '../../domain/time.ts';
import { shownIn } from '../auth/authenticate.ts';
import type { Link, LiveConnection, LiveConnections } from './connections.ts';
import { endings, endMessage, maxMessageBytes, requestTypes } from './messages.ts';

export interface PlainWebSocketTransport {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** A client that is silent for one to two of these, and answers no ping, is gone. */
const heartbeatMs = 25 * secondMs;

/** Of the WebSocket protocol (RFC 6455, section 7.4.1): a message that cannot be read; the server goes away. */
const unreadable = 1_007;
const goingAway = 1_001;

/** What a message says of itself; the rest is the request. The id comes back with its acknowledgement. */
const messageSchema = z.looseObject({
  type: z.enum(requestTypes),
  id: z.union([z.string().max(100), z.number()]).optional(),
});

/** Live updates for clients without Socket.IO: every message is a JSON object in a text frame. */
export function createPlainWebSocketTransport(connections: LiveConnections): PlainWebSocketTransport {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  const alive = new WeakSet<WebSocket>();

  function welcome(socket: WebSocket, headers: IncomingHttpHeaders): void {
    const connection = connections.open(linkOf(socket));
    alive.add(socket);
    socket.on('pong', () => {
      alive.add(socket);
    });
    socket.on('message', (data, isBinary) => {
      alive.add(socket);
      read(connection, socket, isBinary ? undefined : data);
    });
    // What goes wrong with a connection ends it, and `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connection.close();
    });
    const { accessToken: token, apiKey } = shownIn(headers);
    if (token === undefined && apiKey === undefined) return;
    const shown = { ...(token !== undefined && { token }), ...(apiKey !== undefined && { apiKey }) };
    connection.receive('authenticate', shown, (answer) => {
      say(socket, { type: 'acknowledged', ...answer });
    });
  }

  const heartbeat = setInterval(() => {
    for (const socket of server.clients) {
      if (alive.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }, heartbeatMs);
  heartbeat.unref();

  return {
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        welcome(webSocket, request.headers);
      });
    },
    close() {
      clearInterval(heartbeat);
      for (const socket of server.clients) {
        socket.close(goingAway);
        socket.terminate();
      }
      server.close();
    },
  };
}

function read(connection: LiveConnection, socket: WebSocket, data: RawData | undefined): void {
  const message = parse(data);
  if (message === undefined) {
    socket.close(unreadable, 'not a message of this protocol');
    return;
  }
  const { type, id, ...request } = message;
  connection.receive(type, request, (answer) => {
    say(socket, { type: 'acknowledged', ...(id !== undefined && { id }), ...answer });
  });
}

function parse(data: RawData | undefined): z.output<typeof messageSchema> | undefined {
  if (!Buffer.isBuffer(data)) return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(data.toString())).data;
  } catch {
    return undefined;
  }
}

function say(socket: WebSocket, message: object): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function linkOf(socket: WebSocket): Link {
  return {
    send(message) {
      say(socket, message);
    },
    unsentBytes: () => socket.bufferedAmount,
    end(ending) {
      say(socket, endMessage(ending));
      // A client that does not read the goodbye either is cut off after half a minute.
      socket.close(endings[ending].code, ending);
    },
  };
}
