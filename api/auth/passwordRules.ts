import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { ApiError } from '../../domain/errors.ts';

const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

/** Estimating takes longer the longer the text; what begins well need not be read to its end. */
const estimatedLength = 32;

/** Below a hundred million guesses (zxcvbn's score 2), a password is one of the first that anybody tries. */
const leastScore = 2;

/**
 * Refuses a password that is easy to guess, by itself or for who knows its owner's names (NIST SP 800-63B, 3.1.1.2).
 *
 * @param path the field of the request that holds it
 * @throws ApiError `validation_failed`
 */
export function requireGoodPassword(password: string, path: string, owner: { email: string; username: string }): void {
  const names = [owner.email, ...owner.email.split(/[@.]/), owner.username, 'mindpeeker'];
  const { score } = estimator.check(password.slice(0, estimatedLength), names);
  if (score >= leastScore) return;
  throw new ApiError('validation_failed', [
    { path, message: 'is too easy to guess; several unrelated words are good' },
  ]);
}
