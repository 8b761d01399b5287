/** Tiers and roles, what each may do and how much of it, and what a session costs: the tables that all else reads. */

export const tiers = ['basic', 'professional', 'enterprise'] as const;
export type Tier = (typeof tiers)[number];

/** What everybody works with needs no role; an operator changes what all sessions are analyzed with. */
export const roles = ['user', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

interface PermissionTerms {
  name: string;
  /** What it lets a caller do. */
  means: string;
  /** Tiers, as long as their terms say so; or a role and those above it, whatever the tier. */
  heldBy: 'tiers' | Exclude<Role, 'user'>;
  /** Whether an API key can be made for it: what decides over the account and the platform needs a person. */
  forKeys: boolean;
}

/** The one table of permissions: what routes ask for, tokens claim, keys are limited to, and the documents show. */
export const permissionTable = [
  { name: 'session:create', means: 'Create sessions.', heldBy: 'tiers', forKeys: true },
  { name: 'session:read', means: 'Read own sessions, and follow them live.', heldBy: 'tiers', forKeys: true },
  { name: 'session:update', means: 'Change, cancel and retry own sessions.', heldBy: 'tiers', forKeys: true },
  { name: 'session:delete', means: 'Delete own sessions for good.', heldBy: 'tiers', forKeys: true },
  { name: 'session:share', means: 'Show own sessions to others by a link.', heldBy: 'tiers', forKeys: true },
  { name: 'analysis:start', means: 'Have own sessions analyzed.', heldBy: 'tiers', forKeys: true },
  { name: 'analysis:read', means: 'Read the results of own sessions.', heldBy: 'tiers', forKeys: true },
  { name: 'webhook:manage', means: 'Have own systems told of sessions.', heldBy: 'tiers', forKeys: true },
  { name: 'model:read', means: 'Read what the models are and how they fare.', heldBy: 'tiers', forKeys: true },
  { name: 'stats:read', means: 'Read the totals of the platform.', heldBy: 'tiers', forKeys: true },
  { name: 'account:read', means: 'Read the own account.', heldBy: 'tiers', forKeys: true },
  { name: 'key:manage', means: 'Make, change and revoke own API keys.', heldBy: 'tiers', forKeys: false },
  { name: 'model:manage', means: 'Train models, and say which version works.', heldBy: 'operator', forKeys: true },
  {
    name: 'operations:manage',
    means: 'Find out why sessions are stuck, and take them on.',
    heldBy: 'operator',
    forKeys: true,
  },
  { name: 'config:manage', means: 'Read and change the limits of the platform.', heldBy: 'admin', forKeys: false },
] as const satisfies readonly PermissionTerms[];

export type Permission = (typeof permissionTable)[number]['name'];
type TierPermission = Extract<(typeof permissionTable)[number], { heldBy: 'tiers' }>['name'];
export type KeyPermission = Extract<(typeof permissionTable)[number], { forKeys: true }>['name'];

export const permissions: readonly Permission[] = permissionTable.map(({ name }) => name);
export const tierPermissions: readonly TierPermission[] = permissionTable.flatMap((terms) =>
  terms.heldBy === 'tiers' ? [terms.name] : [],
);
/** What an API key can be made for. */
export const keyPermissions: readonly KeyPermission[] = permissionTable.flatMap((terms) =>
  terms.forKeys ? [terms.name] : [],
);

/** What a caller's requests are counted as: guessing a password, reading and training are not the same burden. */
export type RateClass = 'auth' | 'read' | 'write' | 'analysis' | 'upload';
export type Rates = Record<RateClass, number>;

/** How much a tier may. Operators can change each figure (`system_config`); these are the defaults. */
interface TierLimits {
  permissions: readonly TierPermission[];
  requestsPerMinute: Rates;
  /** Of one API key; its requests count for the account's too. */
  keyRequestsPerMinute: Rates;
  apiKeys: number;
  /** Of one account, for live updates, on each gateway: one holds 10,000 of all accounts together. */
  liveConnections: number;
  /** Of all uploads that are kept. */
  storageBytes: number;
  /** Of one upload. */
  uploadBytes: number;
}

interface TierTerms extends TierLimits {
  /** What one completed session counts for in the usage that Stripe is told. */
  unitsPerSession: number;
  /** Where queues are long, sessions of a lower key go first: 1 to 5, as Temporal has it. */
  priorityKey: number;
  /** Among sessions of one key, a person of this tier has so many turns to one of weight 1. */
  fairnessWeight: number;
}

const mebibyte = 1_024 ** 2;
const gibibyte = 1_024 ** 3;

export const tierTerms: Record<Tier, TierTerms> = {
  basic: {
    permissions: tierPermissions,
    requestsPerMinute: { auth: 30, read: 600, write: 120, analysis: 30, upload: 60 },
    keyRequestsPerMinute: { auth: 30, read: 300, write: 60, analysis: 15, upload: 30 },
    apiKeys: 5,
    liveConnections: 50,
    storageBytes: 5 * gibibyte,
    uploadBytes: 50 * mebibyte,
    unitsPerSession: 1,
    priorityKey: 4,
    fairnessWeight: 1,
  },
  professional: {
    permissions: tierPermissions,
    requestsPerMinute: { auth: 30, read: 3_000, write: 600, analysis: 150, upload: 300 },
    keyRequestsPerMinute: { auth: 30, read: 1_500, write: 300, analysis: 75, upload: 150 },
    apiKeys: 20,
    liveConnections: 200,
    storageBytes: 100 * gibibyte,
    uploadBytes: 200 * mebibyte,
    unitsPerSession: 1,
    priorityKey: 3,
    fairnessWeight: 2,
  },
  enterprise: {
    permissions: tierPermissions,
    requestsPerMinute: { auth: 30, read: 12_000, write: 3_000, analysis: 1_000, upload: 1_200 },
    keyRequestsPerMinute: { auth: 30, read: 6_000, write: 1_500, analysis: 500, upload: 600 },
    apiKeys: 100,
    liveConnections: 1_000,
    storageBytes: 2_048 * gibibyte,
    uploadBytes: 200 * mebibyte,
    unitsPerSession: 1,
    priorityKey: 2,
    fairnessWeight: 4,
  },
};

/** Whose work it is, as far as queues have to know. */
export interface Person {
  userId: string;
  tier: Tier;
}

/** The last to go: what one person asks for beyond `firstOnesPerMinute`, and what nobody waits for. */
export const backgroundPriorityKey = 5;

/**
 * How many sessions of one person go by the tier's priority in a minute, and how many files and webhooks. What comes
 * beyond goes behind everybody's, so that no tier's flood keeps a single session of another waiting.
 */
export const firstOnesPerMinute = 30;

/** What one address may, whoever calls from it: an office is many people, a guesser of passwords is one. */
export const addressRequestsPerMinute: Rates = {
  auth: 120,
  read: 30_000,
  write: 6_000,
  analysis: 2_000,
  upload: 3_000,
};

/** What decides over what an account may do. */
export interface Standing {
  tier: Tier;
  role: Role;
}

/** Everything that an account may do, in the order of the table. */
export function permissionsOf(
  { tier, role }: Standing,
  terms: Record<Tier, Pick<TierLimits, 'permissions'>> = tierTerms,
): Permission[] {
  const ofTier: readonly Permission[] = terms[tier].permissions;
  return permissionTable
    .filter(({ name, heldBy }) => (heldBy === 'tiers' ? ofTier.includes(name) : ranksAs(role, heldBy)))
    .map(({ name }) => name);
}

function ranksAs(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
