import { WebSocket } from 'ws';
import { z } from 'zod';

/**
 * A process full of live readers, forked by bench/live.ts. Each is a real connection that speaks its protocol by hand:
 * thousands of Socket.IO's own clients would take more memory and time than the server that is measured.
 */

export interface ReaderOrders {
  url: string;
  readers: { transport: 'Socket.IO' | 'plain WebSocket'; token: string }[];
  /** The bare server tells every client everything at once. */
  subscribes: boolean;
}

export interface ReaderReport {
  /** From the timestamp of each update to its arrival. */
  delaysMs: number[];
  /** Updates that did not carry the next number of their session. */
  outOfOrder: number;
  /** Connections that ended. */
  closed: number;
}

const connectingAtOnce = 64;

const ordersSchema: z.ZodType<ReaderOrders> = z.object({
  url: z.string(),
  readers: z.array(z.object({ transport: z.enum(['Socket.IO', 'plain WebSocket']), token: z.string() })),
  subscribes: z.boolean(),
});
const updateSchema = z.object({
  sessionId: z.string(),
  data: z.object({ seq: z.number() }),
  timestamp: z.string(),
});

const report: ReaderReport = { delaysMs: [], outOfOrder: 0, closed: 0 };
/** The newest number of each session. A session belongs to one user, and so to one reader. */
const lastSeqs = new Map<string, number>();

/** The first message says what to do; any other one asks for the report. */
process.once('message', (message) => {
  connectAll(ordersSchema.parse(message)).then(
    () => {
      process.send?.('connected');
      process.on('message', () => process.send?.(report));
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function connectAll({ url, readers, subscribes }: ReaderOrders): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: connectingAtOnce }, async () => {
      for (let reader = readers[next++]; reader !== undefined; reader = readers[next++]) {
        if (reader.transport === 'Socket.IO') await connectSocketIo(url, reader.token, subscribes);
        else await connectPlain(url, reader.token);
      }
    }),
  );
}

/** Version 4 of engine.io's protocol and 5 of Socket.IO's: digits name the kinds of packets. */
function connectSocketIo(url: string, token: string, subscribes: boolean): Promise<void> {
  return openReader(`${url}?EIO=4&transport=websocket`, (text, send, ready) => {
    if (text === '2') send('3');
    else if (text.startsWith('42')) take(text.slice(text.indexOf(',') + 1, -1));
    else if (text.startsWith('43')) ready();
    else if (text.startsWith('0')) send(`40${JSON.stringify({ token })}`);
    else if (!text.startsWith('40')) throw new Error(`the server said ${text}`);
    else if (subscribes) send(`420${JSON.stringify(['subscribe', { user: true }])}`);
    else ready();
  });
}

function connectPlain(url: string, token: string): Promise<void> {
  const opened = openReader(
    url,
    (text, _send, ready) => {
      if (text.startsWith('{"type":"session_update"')) take(text);
      else if (text.includes('"id":2,"ok":true')) ready();
      else if (!text.includes('"ok":true')) throw new Error(`the server said ${text}`);
    },
    [JSON.stringify({ type: 'authenticate', id: 1, token }), JSON.stringify({ type: 'subscribe', id: 2, user: true })],
  );
  return opened;
}

function openReader(
  url: string,
  onMessage: (text: string, send: (text: string) => void, ready: () => void) => void,
  first: readonly string[] = [],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('open', () => {
      first.forEach((text) => {
        socket.send(text);
      });
    });
    socket.on('message', (data: Buffer) => {
      onMessage(
        data.toString(),
        (text) => {
          socket.send(text);
        },
        resolve,
      );
    });
    socket.on('error', reject);
    socket.on('close', () => {
      report.closed += 1;
    });
  });
}

function take(json: string): void {
  const { sessionId, data, timestamp } = updateSchema.parse(JSON.parse(json));
  report.delaysMs.push(Date.now() - Date.parse(timestamp));
  if (data.seq !== (lastSeqs.get(sessionId) ?? 0) + 1) report.outOfOrder += 1;
  lastSeqs.set(sessionId, data.seq);
}
