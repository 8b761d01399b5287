/** Tiers, what each may do, and what a session costs: the one table that code, tokens and documents read. */

export const tiers = ['basic', 'professional', 'enterprise'] as const;
export type Tier = (typeof tiers)[number];

export const permissions = [
  'session:create',
  'session:read',
  'session:update',
  'session:delete',
  'analysis:start',
  'analysis:read',
  'model:read',
  'stats:read',
] as const;
export type Permission = (typeof permissions)[number];

interface TierTerms {
  permissions: readonly Permission[];
  /** What one completed session counts for in the usage that Stripe is told. */
  unitsPerSession: number;
}

export const tierTerms: Record<Tier, TierTerms> = {
  basic: { permissions, unitsPerSession: 1 },
  professional: { permissions, unitsPerSession: 1 },
  enterprise: { permissions, unitsPerSession: 1 },
};
