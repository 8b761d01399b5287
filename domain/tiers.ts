/** Tiers and roles, what each may do, and what a session costs: the tables that code, tokens and documents read. */

export const tiers = ['basic', 'professional', 'enterprise'] as const;
export type Tier = (typeof tiers)[number];

/** What everybody works with needs no role; an operator changes what all sessions are analyzed with. */
export const roles = ['user', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

const everyTier = [
  'session:create',
  'session:read',
  'session:update',
  'session:delete',
  'session:share',
  'analysis:start',
  'analysis:read',
  'webhook:manage',
  'model:read',
  'stats:read',
] as const;
const operators = ['model:manage'] as const;

export const permissions = [...everyTier, ...operators] as const;
export type Permission = (typeof permissions)[number];

interface TierTerms {
  permissions: readonly Permission[];
  /** What one completed session counts for in the usage that Stripe is told. */
  unitsPerSession: number;
  /** Of all uploads that are kept. */
  storageBytes: number;
  /** Of one upload. */
  uploadBytes: number;
}

const mebibyte = 1_024 ** 2;
const gibibyte = 1_024 ** 3;

export const tierTerms: Record<Tier, TierTerms> = {
  basic: {
    permissions: everyTier,
    unitsPerSession: 1,
    storageBytes: 5 * gibibyte,
    uploadBytes: 50 * mebibyte,
  },
  professional: {
    permissions: everyTier,
    unitsPerSession: 1,
    storageBytes: 100 * gibibyte,
    uploadBytes: 200 * mebibyte,
  },
  enterprise: {
    permissions: everyTier,
    unitsPerSession: 1,
    storageBytes: 2_048 * gibibyte,
    uploadBytes: 200 * mebibyte,
  },
};

/** What a role may do beside what its tier may. */
export const rolePermissions: Record<Role, readonly Permission[]> = {
  user: [],
  operator: operators,
  admin: operators,
};

/** Everything that an account may do, in the order of `permissions`. */
export function permissionsOf({ tier, role }: { tier: Tier; role: Role }): Permission[] {
  const allowed = [...tierTerms[tier].permissions, ...rolePermissions[role]];
  return permissions.filter((permission) => allowed.includes(permission));
}
