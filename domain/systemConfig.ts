import { z } from 'zod';
import { addressRequestsPerMinute, tierPermissions, tierTerms, type Tier } from './tiers.ts';

/**
 * What operators can change while the platform runs: the limits of tiers and addresses, and which client versions are
 * served. Only what they changed is kept; the rest is what the code says, so that a release can better its defaults.
 */

const count = z.int().min(0);
/** A limit of 0 would lock everybody out, the operator who set it among them. */
const rate = z.int().min(1);
const version = z.string().regex(/^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}$/, 'must be a version like 2.1.0');

const rates = z.object({ auth: rate, read: rate, write: rate, analysis: rate, upload: rate });

const tierLimits = z.object({
  permissions: z.array(z.enum(tierPermissions)).describe('What accounts of this tier may do.'),
  requestsPerMinute: rates.describe('Of one account, by the class of the route.'),
  keyRequestsPerMinute: rates.describe('Of one API key; they count for the account’s too.'),
  apiKeys: count.describe('API keys that one account can have.'),
  liveConnections: count.describe('Live connections that one account can hold on each gateway.'),
  storageBytes: count.describe('All uploads of one account.'),
  uploadBytes: count.describe('One upload.'),
});

const clientVersions = z.object({
  deprecatedBelow: version.describe('An older client is served, and told that it will not be for long.'),
  deprecatedSince: z.iso.datetime(),
  refusedBelow: version.describe('An older client is refused.'),
  refusedFrom: z.iso.datetime().describe('When the deprecated ones will be refused.'),
});

export const systemConfigSchema = z.object({
  tiers: z.object({ basic: tierLimits, professional: tierLimits, enterprise: tierLimits }),
  addressRequestsPerMinute: rates.describe('Of one address, whoever calls from it.'),
  analysisWaitSeconds: rate.describe('An analysis that would wait longer is refused.'),
  clientVersions,
});
export type SystemConfig = z.output<typeof systemConfigSchema>;

const rateChanges = rates.partial().strict();
const tierChanges = tierLimits
  .extend({ requestsPerMinute: rateChanges, keyRequestsPerMinute: rateChanges })
  .partial()
  .strict();

/** What operators changed: any part of the configuration, and nothing that it does not have. */
export const systemChangesSchema = z
  .strictObject({
    tiers: z.strictObject({ basic: tierChanges, professional: tierChanges, enterprise: tierChanges }).partial(),
    addressRequestsPerMinute: rateChanges,
    analysisWaitSeconds: rate,
    clientVersions: clientVersions.partial().strict(),
  })
  .partial();
export type SystemChanges = z.output<typeof systemChangesSchema>;

/** What the platform does while nobody changed anything. */
export const defaultSystemConfig: SystemConfig = {
  tiers: {
    basic: limitsOf('basic'),
    professional: limitsOf('professional'),
    enterprise: limitsOf('enterprise'),
  },
  addressRequestsPerMinute,
  // Longer than a person waits before the screen; who can wait asks again.
  analysisWaitSeconds: 300,
  // The oldest client library that was published is 1.1.0.
  clientVersions: {
    deprecatedBelow: '1.1.0',
    deprecatedSince: '2026-11-24T00:00:00Z',
    refusedBelow: '1.0.0',
    refusedFrom: '2027-05-24T00:00:00Z',
  },
};

/** What an operator may change of a tier, which its price is not. */
function limitsOf(tier: Tier): SystemConfig['tiers'][Tier] {
  return tierLimits.parse(tierTerms[tier]);
}

/**
 * The configuration with these changes. A change that another release knew and this one does not is left out.
 * @throws z.ZodError when a value cannot be
 */
export function withChanges(changes: unknown): SystemConfig {
  return systemConfigSchema.parse(mergePatch(defaultSystemConfig, changes));
}

/** Objects are merged, everything else is replaced (as in RFC 7396, where null would remove; here it is a value). */
function mergePatch(base: unknown, patch: unknown): unknown {
  if (!isRecord(base) || !isRecord(patch)) return patch;
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(patch)) merged.set(name, mergePatch(merged.get(name), value));
  return Object.fromEntries(merged);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
