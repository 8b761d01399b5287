import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from '@jest/globals';
import { answers, choosePort, isFree } from './ports.mjs';

const opened: ReturnType<typeof createServer>[] = [];

/** Listens on any free port. */
async function listen(address = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, address);
  opened.push(server);
  await once(server, 'listening');
  const listening = server.address();
  if (typeof listening !== 'object' || !listening) throw new Error('no address');
  return listening.port;
}

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

describe('A port is chosen', () => {
  test('as preferred, where nobody listens', async () => {
    const { port: free } = await choosePort(null);
    // Promised to that first caller, so a second one gets another although nothing listens yet.
    expect(await isFree(free)).toBe(true);
    const second = await choosePort(free);
    expect(second.port).not.toBe(free);
  });

  test('elsewhere, where somebody listens, and who that is is said', async () => {
    const taken = await listen();
    const { port, instead } = await choosePort(taken);
    expect(port).not.toBe(taken);
    expect(instead).toContain(`port ${taken} is in use`);
    expect(instead).toContain(`using ${port} instead`);
    if (process.platform === 'linux') expect(instead).toContain(`(pid ${process.pid})`);
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((some) => some?.some(({ address }) => address === '::1'));
  (hasIpv6 ? test : test.skip)('elsewhere, where somebody listens whom browsers take for localhost', async () => {
    expect(await isFree(await listen('::1'))).toBe(false);
  });

  test('never twice, however many ask at once', async () => {
    const chosen = await Promise.all(Array.from({ length: 20 }, () => choosePort(null)));
    expect(new Set(chosen.map(({ port }) => port)).size).toBe(20);
  });

  test('and one that nobody has opened answers nobody', async () => {
    const taken = await listen();
    expect(await answers('127.0.0.1', taken)).toBe(true);
    const { port } = await choosePort(null);
    expect(await answers('127.0.0.1', port)).toBe(false);
  });
});
