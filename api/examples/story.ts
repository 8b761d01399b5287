import { permissionsOf } from '../../domain/tiers.ts';

/**
 * The one story that all examples tell. Ada records a remote viewing at night, has it analyzed, and later says what was
 * true; Grace operates the platform. Nobody of them exists, and no token or secret here opens anything.
 */

export const storyEnds = '2026-11-29T01:00:00.000Z';

const standing = { tier: 'professional', role: 'user' } as const;

export const ada = {
  id: '01a1e6fe-5e9b-7550-9266-6490f4080d04',
  email: 'ada@example.org',
  emailConfirmed: true,
  pendingEmail: null,
  username: 'ada.winter',
  ...standing,
  permissions: permissionsOf(standing),
  createdAt: '2026-11-17T00:53:12.475Z',
};
export const password = 'seven quiet lanterns';

export const grace = { id: '019c1bd6-de9b-7434-9369-a721e73646a0' };

export const sessionIds = {
  remote_viewing: '01a224ca-ae9b-73ff-8fb0-081c975ba07c',
  dowsing: '01a21fa4-529b-71f6-9c24-123b4de93090',
  precognition: '01a224cc-835b-71dd-8a34-ff479e6c0c12',
  intuitive_analysis: '01a224cc-835c-77b6-abed-6063ca67fb92',
} as const;

export const loginId = '01a224c1-86db-708f-985a-c0c84abdc070';
export const webhookId = '01a21557-9a9b-7693-a54c-00b3582b886b';
export const attachmentId = '01a224cb-98fb-710c-ae0e-d639b7145129';
