import { describe, expect, test } from '@jest/globals';
import { defaultSystemConfig, withChanges } from './systemConfig.ts';

describe('the configuration with changes', () => {
  test('is the default where nothing was changed, and the change where something was (C3)', () => {
    expect(withChanges({})).toEqual(defaultSystemConfig);
    const changed = withChanges({
      tiers: { basic: { requestsPerMinute: { read: 7 }, permissions: ['session:read'] } },
    });
    const { basic, professional } = defaultSystemConfig.tiers;
    expect(changed.tiers.professional).toEqual(professional);
    expect(changed.tiers.basic).toEqual({
      ...basic,
      permissions: ['session:read'],
      requestsPerMinute: { ...basic.requestsPerMinute, read: 7 },
    });
  });

  test('leaves out what another release could change and this one cannot, and takes nothing from a prototype', () => {
    const later: unknown = JSON.parse(
      '{"newThing": 1, "tiers": {"basic": {"newLimit": 2}}, "__proto__": {"tiers": null}}',
    );
    expect(withChanges(later)).toEqual(defaultSystemConfig);
  });
});
