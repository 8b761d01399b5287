import type { Examples } from './example.ts';
import { ada, loginId, password, storyEnds } from './story.ts';

const tokens = {
  accessToken: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjIwMjYtMTEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiIwMWExZTZmZSJ9.c2lnbmF0dXJl',
  refreshToken: 'Zq3vT8kWn1yB6dR0sLxHc5JmUeGpA9fK2tVwYiXoNbM',
  expiresInSeconds: 900,
};
const signedIn = { ...tokens, user: ada };

const secondFactorChallenge = 'eyJhbGciOiJIUzI1NiJ9.eyJwdXIiOiJzZWNvbmRfZmFjdG9yIn0.c2lnbmF0dXJl';
const linkToken = 'eyJhbGciOiJIUzI1NiJ9.eyJwdXIiOiJsaW5rIn0.c2lnbmF0dXJl';
const recoveryCode = 'J7QM-2XKD-P4TW-N6RA';

const webauthnChallenge = 'h8Xw2mPq7rTz0VbN4kLcYdEgJ1sUoA5fQ9iRxWvHn3M';
const credentialId = 'k3VtQm9xWc7LbN2yRf0HsA';
const credential = { id: credentialId, rawId: credentialId, type: 'public-key' };

const passkey = {
  id: '01a20b0a-e29b-73df-844a-59c64e93bf33',
  label: 'My telephone',
  backedUp: true,
  createdAt: '2026-11-24T00:53:12.475Z',
  lastUsedAt: '2026-11-29T00:43:12.475Z',
};

const apiKey = {
  id: '01a21a7d-f69b-729e-b5f0-9ad6e87a74d4',
  name: 'nightly import',
  prefix: 'mp_Rk4dW8vQ',
  permissions: ['session:create', 'session:read'],
  expiresAt: null,
  lastUsedAt: '2026-11-29T00:55:00.000Z',
  createdAt: '2026-11-27T00:53:12.475Z',
};

const archive = {
  id: '827c080e-e6e7-431d-8361-e4da1e45c020',
  state: 'running',
  progress: 0,
  bytes: null,
  createdAt: storyEnds,
  expiresAt: null,
  url: null,
};

const erasure = {
  id: '8617b6fe-57c6-4d5a-8046-0973b4bb9a86',
  state: 'erasing',
  requestedAt: storyEnds,
  completedAt: null,
  erasedRows: {},
  kept: [{ table: 'bills', reason: 'The books must be kept; without the account they name nobody.' }],
};

/** Who Ada is, and how she signs in. */
export const accountExamples: Examples = {
  'POST /v1/auth/register': {
    request: { email: ada.email, username: ada.username, password },
    answer: { ...signedIn, user: { ...ada, tier: 'basic', emailConfirmed: false } },
    at: ada.createdAt,
  },
  'POST /v1/auth/login': { request: { email: ada.email, password }, answer: signedIn },
  'POST /v1/auth/login/second-factor': [
    { title: 'By a code of the app', request: { challenge: secondFactorChallenge, code: '287082' }, answer: signedIn },
    { title: 'By a recovery code', request: { challenge: secondFactorChallenge, recoveryCode }, answer: signedIn },
  ],
  'POST /v1/auth/passkey/options': {
    answer: {
      challenge: webauthnChallenge,
      rpId: 'app.mindpeeker.com',
      allowCredentials: [],
      timeout: 300_000,
      userVerification: 'required',
    },
  },
  'POST /v1/auth/passkey/verify': {
    request: {
      credential: {
        ...credential,
        response: {
          clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0',
          authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ',
          signature: 'MEUCIQDq0V7m0cLr2p8Tt3xKZyW5uQnJ4hVbE9sGfXaPdRk1Yg',
          userHandle: 'AaHm_l6bdVCSZmSQ9AgNBA',
        },
      },
    },
    answer: signedIn,
  },
  'POST /v1/auth/refresh': { request: { refreshToken: tokens.refreshToken }, answer: tokens },
  'POST /v1/auth/logout': { request: { refreshToken: tokens.refreshToken }, answer: null },
  'POST /v1/auth/logout-everywhere': { answer: { ended: 2 } },
  'POST /v1/auth/confirm': { request: { token: linkToken }, answer: null },
  'POST /v1/auth/password/forgot': { request: { email: ada.email }, answer: null },
  'POST /v1/auth/password/reset': {
    request: { token: linkToken, newPassword: 'eight quiet lanterns' },
    answer: null,
  },

  'GET /v1/me': { answer: ada },
  'PATCH /v1/me': [
    {
      title: 'Another e-mail',
      request: { email: 'ada.winter@example.org', currentPassword: password },
      answer: { ...ada, pendingEmail: 'ada.winter@example.org' },
    },
    { title: 'Another username', request: { username: 'ada.w' }, answer: { ...ada, username: 'ada.w' } },
  ],
  'POST /v1/me/password': {
    request: { currentPassword: password, newPassword: 'eight quiet lanterns' },
    answer: null,
  },
  'POST /v1/me/email/confirmation': { answer: null },
  'GET /v1/me/logins': {
    answer: {
      items: [
        {
          id: loginId,
          agent: 'Firefox on Linux',
          createdAt: '2026-11-29T00:43:12.475Z',
          lastUsedAt: '2026-11-29T00:58:10.020Z',
          current: true,
        },
        {
          id: 'b71372ef-ef16-40bb-b60e-fed53c5ef221',
          agent: 'Mobile Safari on iOS',
          createdAt: '2026-11-24T00:51:40.306Z',
          lastUsedAt: '2026-11-28T21:07:55.913Z',
          current: false,
        },
      ],
    },
  },
  'DELETE /v1/me/logins/{id}': { answer: null },

  'GET /v1/me/totp': { answer: { active: true, recoveryCodesLeft: 10 } },
  'POST /v1/me/totp': {
    request: { currentPassword: password },
    answer: {
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      otpauthUrl:
        'otpauth://totp/MindPeeker:ada%40example.org?issuer=MindPeeker&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30',
      qrSvg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 49 49"><path d="M2 2h7v1H2z"/></svg>',
    },
  },
  'POST /v1/me/totp/confirm': {
    request: { code: '287082' },
    answer: {
      recoveryCodes: [
        recoveryCode,
        'B3VZ-Q5LE-7YHC-D2KS',
        'WN4F-T6XP-M2GR-A7JU',
        'K5DS-3ROB-Y7QL-H4ZT',
        'P2XC-V6NE-4MWJ-R3GA',
        'T7HL-B5KY-Q2FD-U6SO',
        'D4RM-J3ZW-6PXN-C7VE',
        'Y6GQ-A2TK-S5HB-L4OU',
        'F3WP-N7CD-X4JR-M5QZ',
        'R5KE-H6VT-2BYL-G7PA',
      ],
    },
  },
  'DELETE /v1/me/totp': { request: { code: '287082' }, answer: null },

  'GET /v1/me/passkeys': { answer: { items: [passkey] } },
  'POST /v1/me/passkeys/options': {
    request: { currentPassword: password },
    answer: {
      challenge: webauthnChallenge,
      rp: { name: 'MindPeeker', id: 'app.mindpeeker.com' },
      user: { id: 'AaHm_l6bdVCSZmSQ9AgNBA', name: ada.email, displayName: ada.username },
      pubKeyCredParams: [
        { alg: -8, type: 'public-key' },
        { alg: -7, type: 'public-key' },
        { alg: -257, type: 'public-key' },
      ],
      timeout: 300_000,
      attestation: 'none',
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required', requireResidentKey: true },
    },
  },
  'POST /v1/me/passkeys': {
    request: {
      label: passkey.label,
      credential: {
        ...credential,
        response: {
          clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0',
          attestationObject: 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVg',
          transports: ['internal', 'hybrid'],
        },
      },
    },
    answer: { ...passkey, lastUsedAt: null },
    at: passkey.createdAt,
  },
  'PATCH /v1/me/passkeys/{id}': {
    request: { label: 'My old telephone' },
    answer: { ...passkey, label: 'My old telephone' },
  },
  'DELETE /v1/me/passkeys/{id}': { answer: null },

  'POST /v1/me/keys': {
    request: { name: apiKey.name, permissions: apiKey.permissions },
    answer: { ...apiKey, lastUsedAt: null, key: `${apiKey.prefix}2nX6tY0bJ5mH9cL3sZ7fE1gA4uKpVqTiRxN` },
    at: apiKey.createdAt,
  },
  'GET /v1/me/keys': { answer: { items: [apiKey] } },
  'PATCH /v1/me/keys/{id}': {
    request: { name: 'hourly import' },
    answer: { ...apiKey, name: 'hourly import' },
  },
  'DELETE /v1/me/keys/{id}': { answer: null },

  'POST /v1/me/export': { answer: archive },
  'GET /v1/me/export': {
    answer: {
      ...archive,
      state: 'ready',
      progress: 1,
      bytes: 48_211,
      expiresAt: '2026-12-06T01:00:04.318Z',
      url: `https://storage.mindpeeker.com/exports/${ada.id}/${archive.id}.zip?X-Amz-Expires=300&X-Amz-Signature=5c1e`,
    },
    at: '2026-11-29T01:01:00.000Z',
  },
  'DELETE /v1/me': { request: { password }, answer: erasure },
  'GET /v1/erasures/{id}': {
    answer: {
      ...erasure,
      state: 'erased',
      completedAt: '2026-11-29T01:00:02.741Z',
      erasedRows: { sessions: 4, session_events: 21, analysis_results: 7, logins: 2, users: 1 },
    },
    at: '2026-11-29T01:01:00.000Z',
  },
};
