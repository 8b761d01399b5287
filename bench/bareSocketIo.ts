import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Server } from 'socket.io';

/**
 * The process of a Socket.IO server that does nothing but hold its clients and tell one of them, chosen at random, an
 * update of our form: what live connections cost by themselves. Forked by bench/live.ts.
 *
 * Each message of the parent is a number of updates to send, spread over as many pauses.
 */
const http = createServer();
const io = new Server(http, {
  path: '/v1/ws',
  addTrailingSlash: false,
  serveClient: false,
  transports: ['websocket'],
  perMessageDeflate: false,
});
http.listen(0, '127.0.0.1', () => {
  const address = http.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
process.on('message', ({ updates, pauseMs }: { updates: number; pauseMs: number }) => {
  const sockets = [...io.sockets.sockets.values()];
  let sent = 0;
  const timer = setInterval(() => {
    sockets[Math.floor(Math.random() * sockets.length)]?.emit('session_update', {
      type: 'session_update',
      sessionId: randomUUID(),
      data: { seq: 1, event: 'analysis_started', status: 'analyzing', step: 'analyze', progress: 0.3, attempt: 1 },
      timestamp: new Date().toISOString(),
    });
    sent += 1;
    if (sent < updates) return;
    clearInterval(timer);
    process.send?.('sent');
  }, pauseMs);
});
