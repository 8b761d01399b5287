import { pathOrCache } from '../binaries.mjs';
import { portOf, urlAnswers } from './part.mjs';

/**
 * Stripe's own mock: it knows the whole API and checks every request against it, and keeps nothing.
 * @type {import('./part.mjs').Part}
 */
export const stripe = {
  name: 'stripe',
  title: 'Stripe mock',
  replacedBy: ['STRIPE_API_BASE', 'STRIPE_SECRET_KEY'],
  neededThen: ['STRIPE_SECRET_KEY'],
  ports: { main: 12111 },
  dataDir: () => null,

  findBinary: (setup) => pathOrCache('stripe-mock', setup, ['-version']),

  prepare: async (home, binary) => ({
    command: binary.path,
    // It opens HTTPS as well, on 12112 of every interface unless told otherwise.
    args: ['-http-addr', `127.0.0.1:${portOf(home, 'main')}`, '-https-addr', '127.0.0.1:0'],
  }),

  // Without a key it refuses, which shows that it is there.
  isReady: (home) => urlAnswers(`http://127.0.0.1:${portOf(home, 'main')}/v1/charges`, (status) => status === 401),

  environment: (home) => ({
    STRIPE_API_BASE: `http://127.0.0.1:${portOf(home, 'main')}`,
    STRIPE_SECRET_KEY: 'sk_test_123',
  }),
};
