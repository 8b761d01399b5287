import { once } from 'node:events';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { SessionUpdate } from '../domain/events.ts';

/** A client of `/v1/ws`, whatever it comes by. */
export interface LiveClient {
  updates: SessionUpdate[];
  /** Every other message that came, with its type. */
  told: { type: string; code?: string }[];
  /** Sends a request and waits for its acknowledgement. */
  ask(type: string, request: unknown): Promise<Acknowledged>;
  /** Sends a request that asks for no acknowledgement. */
  say(type: string, request: object): void;
  /** Waits until this many updates have come; jest's own limit ends a wait that is in vain. */
  until(count: number): Promise<SessionUpdate[]>;
  /** The close code of a plain WebSocket, or what Socket.IO calls the reason. */
  ended: Promise<number | string>;
  disconnect(): void;
}

interface Acknowledged {
  ok: boolean;
  lastSeq?: number;
  expiresAt?: string;
  error?: { code: string; message: string };
}

export const transports = ['Socket.IO', 'plain WebSocket'] as const;
export type Transport = (typeof transports)[number];

/** What a client signs in with; nothing, to be refused. */
export type Shown = { token?: string } | { apiKey: string } | { share: string };

/** Connects and signs in. @throws an error with the refusal's `code` when what it shows is not accepted */
export function connectLive(transport: Transport, url: string, shown: Shown): Promise<LiveClient> {
  switch (transport) {
    case 'Socket.IO':
      return connectSocketIo(url, shown);
    case 'plain WebSocket':
      return connectPlain(url, shown);
  }
}

async function connectSocketIo(url: string, shown: Shown): Promise<LiveClient> {
  const socket = io(url, {
    path: '/v1/ws',
    transports: ['websocket'],
    auth: shown,
    forceNew: true,
    reconnection: false,
  });
  const { updates, told, take, until } = inbox();
  socket.onAny((type: string, message: object) => {
    take({ ...message, type });
  });
  const ended = new Promise<string>((resolve) => socket.once('disconnect', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) => {
      reject(refusal(error));
    });
  });
  return {
    updates,
    told,
    until,
    ended,
    ask: (type, request) => socket.emitWithAck(type, request) as Promise<Acknowledged>,
    say: (type, request) => socket.emit(type, request),
    disconnect: () => socket.disconnect(),
  };
}

async function connectPlain(url: string, shown: Shown): Promise<LiveClient> {
  const client = await openPlain(url);
  const answer = await client.ask('authenticate', shown);
  if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), answer.error);
  return client;
}

/** What the server said of a refusal, as Socket.IO hands it over. */
function refusal(error: Error): Error {
  return Object.assign(error, 'data' in error ? error.data : {});
}

/** The request by which a WebSocket is opened, as it is on the wire: for clients that break the rules after it. */
export function upgradeRequest(apiUrl: string, path: string, headers: Record<string, string> = {}): string {
  const fields = {
    Host: new URL(apiUrl).host,
    ...headers,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return [`GET ${path} HTTP/1.1`, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
}

/** A plain WebSocket that has not signed in, unless its headers do. */
export async function openPlain(url: string, headers: Record<string, string> = {}): Promise<LiveClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, { headers });
  const { updates, told, take, until } = inbox();
  const waiting = new Map<number, (answer: Acknowledged) => void>();
  let lastId = 0;
  socket.on('message', (data: Buffer) => {
    const { type, id, ...message } = JSON.parse(data.toString()) as Acknowledged & { type: string; id?: number };
    if (type === 'acknowledged' && id !== undefined) waiting.get(id)?.(message);
    else take({ ...message, type });
  });
  const ended = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return {
    updates,
    told,
    until,
    ended,
    ask: (type, request) =>
      new Promise((resolve) => {
        lastId += 1;
        waiting.set(lastId, resolve);
        socket.send(JSON.stringify({ ...Object(request), type, id: lastId }));
      }),
    say: (type, request) => {
      socket.send(JSON.stringify({ ...request, type }));
    },
    disconnect: () => {
      socket.close();
    },
  };
}

function inbox() {
  const updates: SessionUpdate[] = [];
  const told: { type: string }[] = [];
  let check: () => void = () => undefined;
  return {
    updates,
    told,
    take: (message: { type: string }): void => {
      if (message.type === 'session_update') updates.push(message as SessionUpdate);
      else told.push(message);
      check();
    },
    until: async (count: number): Promise<SessionUpdate[]> => {
      while (updates.length < count) {
        await new Promise<void>((resolve) => {
          check = resolve;
        });
      }
      return updates;
    },
  };
}
