/**
 * Failures of a step that trying again cannot mend by itself, as the type that a workflow reads.
 * - `Unanalyzable`: no model can read the impressions; the session fails.
 * - `ModelPaused`: an operator paused the model; the session waits until it is resumed.
 * - `CardDeclined`, `BillingUncertain`, `Rejected`: a person can mend the reason; the session parks.
 */
export const finalFailureTypes = [
  'Unanalyzable',
  'ModelPaused',
  'CardDeclined',
  'BillingUncertain',
  'Rejected',
] as const;
export type FinalFailureType = (typeof finalFailureTypes)[number];
