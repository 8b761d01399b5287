import { once } from 'node:events';
import express from 'express';

/** Express with one route that answers a constant: the least that an answer can cost here. */
export async function constantServer(): Promise<{ url: string; close(): Promise<void> }> {
  const app = express();
  app.get('/', (_request, response) => {
    response.json({ constant: true });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
