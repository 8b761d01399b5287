import { constantServer } from './constantServer.ts';

/** Express answering a constant, as a process of its own, so that it has what the gateway has. */
const { url } = await constantServer();
process.send?.(url);
