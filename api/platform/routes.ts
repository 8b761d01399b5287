import { z } from 'zod';
import { ApiError } from '../../domain/errors.ts';
import { runChecks } from '../../observability/telemetryServer.ts';
import type { ApiDeps } from '../deps.ts';
import { plainRoute, publicRoute, userRoute, type Route } from '../route.ts';
import { renderMetrics } from './metrics.ts';
import { createStatsReader, statsSchema } from './stats.ts';

const readinessSchema = z
  .object({
    ready: z.literal(true),
    checks: z.record(z.string(), z.string()).describe('`ok`, or what is wrong. Without Redis the API works, slower.'),
  })
  .meta({ id: 'Readiness' });

/** The one part that the API can do without; its absence is told all the same. */
const spare = 'redis';

/** What the platform says of itself: to users its totals, to operators whether it is well. */
export function platformRoutes(deps: ApiDeps): Route[] {
  const { logger } = deps;
  const readStats = createStatsReader(deps);

  return [
    userRoute({
      method: 'get',
      path: '/v1/stats',
      tag: 'Platform',
      summary: 'Live totals of the platform',
      permission: 'stats:read',
      request: {},
      message: 'The platform right now.',
      data: statsSchema,
      handle: () => readStats(),
    }),

    publicRoute({
      method: 'get',
      path: '/healthz',
      tag: 'Operations',
      rateClass: 'unlimited',
      summary: 'Whether this process lives',
      request: {},
      message: 'Alive.',
      data: z.object({ alive: z.literal(true) }),
      handle: () => Promise.resolve({ alive: true as const }),
    }),

    publicRoute({
      method: 'get',
      path: '/readyz',
      tag: 'Operations',
      rateClass: 'unlimited',
      summary: 'Whether this process can work, and which dependency is down',
      request: {},
      message: 'Ready.',
      data: readinessSchema,
      errors: ['temporarily_unavailable'],
      handle: async () => {
        const temporal = () => deps.workflows.check();
        const { checks } = await runChecks({ ...deps.checks, temporal }, logger);
        const down = Object.entries(checks).filter(([, outcome]) => outcome !== 'ok');
        if (down.every(([part]) => part === spare)) return { ready: true as const, checks };
        throw new ApiError(
          'temporarily_unavailable',
          down.map(([path, message]) => ({ path, message })),
        );
      },
    }),

    plainRoute({
      path: '/metrics',
      tag: 'Operations',
      rateClass: 'unlimited',
      summary: 'Metrics in the text form of Prometheus',
      contentType: deps.metrics.registry.contentType,
      headers: { 'Cache-Control': 'no-store' },
      render: () => renderMetrics(deps),
    }),
  ];
}
