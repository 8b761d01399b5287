import { ApplicationFailure } from '@temporalio/common';
import type { FinalFailureType } from '../domain/failures.ts';

/**
 * A failure that trying again cannot mend. The message goes into the workflow's history, so it names no content.
 * The cause is left out for the same reason: it is logged where it is caught.
 */
export function finalFailure(type: FinalFailureType, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}
