import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The line to a real server, which a test can cut and mend, and on which it can have the server fall silent. */
export interface Line {
  /** Opens the line, at the port that it had if that is given, and says its address. */
  mend(port?: number): Promise<{ url: string; port: number }>;
  cut(): Promise<void>;
  /** From now on nothing passes either way, as of a server that hangs: connections open, and none is answered. */
  silence(): void;
  /** What was held back passes, and all that comes. */
  speak(): void;
}

/** @param targetUrl with host and port; the line's own address is the same but for these */
export function createLine(targetUrl: string): Line {
  const target = new URL(targetUrl);
  const open = new Set<Socket>();
  let isSilent = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      if (isSilent) from.pause();
      from.on('error', () => undefined);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  return {
    async mend(port = 0) {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      const { port: taken } = server.address() as AddressInfo;
      const url = new URL(target);
      url.host = `127.0.0.1:${taken}`;
      return { url: url.href, port: taken };
    },
    async cut() {
      if (!server.listening) return;
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
    silence() {
      isSilent = true;
      for (const socket of open) socket.pause();
    },
    speak() {
      isSilent = false;
      for (const socket of open) socket.resume();
    },
  };
}
