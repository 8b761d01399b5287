import { setTimeout as wait } from 'node:timers/promises';

const askEveryMs = 20;

/** Asks again and again until it is so; the test's own time limit ends a wait that is in vain. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(askEveryMs);
}
