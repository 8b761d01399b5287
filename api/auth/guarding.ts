import { ApiError } from '../../domain/errors.ts';
import type { AttemptCounter, Attempts } from '../../integrations/attempts.ts';
import type { Links } from '../../integrations/links.ts';

interface GuardDeps {
  attempts: Attempts;
  links: Links;
}

/** The counters of attempts at an account by its e-mail, from an address; Redis holds keyed hashes of both. */
export function attemptCounters(
  links: Links,
  { email, address }: { email: string; address: string },
): AttemptCounter[] {
  return [
    { scope: 'account', name: links.hashOf(email) },
    { scope: 'address', name: links.hashOf(address) },
  ];
}

/**
 * Looks at what was attempted, unless there were too many attempts: then it is not looked at, so that even a right one
 * tells nothing. `open` answers null where the attempt was wrong.
 *
 * @throws ApiError `too_many_attempts`
 */
export async function attemptTo<T>(
  { attempts, links }: GuardDeps,
  by: { email: string; address: string },
  open: () => Promise<T | null>,
): Promise<T | null> {
  const counters = attemptCounters(links, by);
  const retryAfterMs = await attempts.begin(counters);
  if (retryAfterMs > 0) throw new ApiError('too_many_attempts', [], { retryAfterMs });
  const opened = await open();
  if (opened !== null) await attempts.succeed(counters);
  return opened;
}
