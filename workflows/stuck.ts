import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { FinalFailureType } from '../domain/failures.ts';
import type { StuckCode } from '../domain/session.ts';

/** What the owner and the operator read of each cause. No content of the session can be in these sentences. */
export const stuckMessages: Record<StuckCode, string> = {
  retries_exhausted: 'Every attempt failed; retry once the part it needs is well again.',
  card_declined: 'The payment was declined; retry once the payment method is mended.',
  billing_uncertain: 'It is not known whether Stripe took the usage; look there before a retry.',
  rejected: 'The other side refused the request as wrong; retry once that is mended.',
};

const stuckCodes: Record<Exclude<FinalFailureType, 'Unanalyzable' | 'ModelPaused'>, StuckCode> = {
  CardDeclined: 'card_declined',
  BillingUncertain: 'billing_uncertain',
  Rejected: 'rejected',
};

/** Whether a step failed since no model can read the impressions: the one failure that ends a session. */
export function isUnanalyzable(error: unknown): boolean {
  return failureType(error) === ('Unanalyzable' satisfies FinalFailureType);
}

/** Whether a step was left undone since an operator paused the model: the session waits, and is not stuck. */
export function isModelPaused(error: unknown): boolean {
  return failureType(error) === ('ModelPaused' satisfies FinalFailureType);
}

/** Why a step that failed parks its session. */
export function stuckCodeOf(error: unknown): StuckCode {
  const type = failureType(error);
  const known = Object.entries(stuckCodes).find(([failure]) => failure === type);
  return known === undefined ? 'retries_exhausted' : known[1];
}

function failureType(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}
