import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The line to the real Redis, which a test can cut and mend. */
export function createRedisLine() {
  const target = new URL(process.env.REDIS_URL ?? '');
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  return {
    async mend(port = 0): Promise<{ url: string; port: number }> {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      const { port: taken } = server.address() as AddressInfo;
      const url = new URL(target);
      url.host = `127.0.0.1:${taken}`;
      return { url: url.href, port: taken };
    },
    async cut(): Promise<void> {
      if (!server.listening) return;
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
