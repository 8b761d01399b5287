import { z } from 'zod';
import { activeModels } from '../../db/models.ts';
import { ApiError } from '../../domain/errors.ts';
import { sessionTypes } from '../../domain/session.ts';
import { runChecks } from '../../observability/telemetryServer.ts';
import type { ApiDeps } from '../deps.ts';
import { plainRoute, publicRoute, userRoute, type Route } from '../route.ts';
import { renderMetrics } from './metrics.ts';
import { createStatsReader, statsSchema } from './stats.ts';

const modelSchema = z
  .object({
    name: z.enum(sessionTypes),
    version: z.string(),
    figures: z
      .array(z.object({ name: z.string(), value: z.number(), chance: z.number(), meaning: z.string() }))
      .describe('Held-out figures of simulated sessions, each beside what chance or the baseline gives.'),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Model' });

const readinessSchema = z
  .object({
    ready: z.literal(true),
    checks: z.record(z.string(), z.string()).describe('`ok`, or what is wrong. Without Redis the API works, slower.'),
  })
  .meta({ id: 'Readiness' });

/** The one part that the API can do without; its absence is told all the same. */
const spare = 'redis';

/** What the platform says of itself: to users its models and totals, to operators whether it is well. */
export function platformRoutes(deps: ApiDeps): Route[] {
  const { database, logger } = deps;
  const readStats = createStatsReader(deps);

  return [
    userRoute({
      method: 'get',
      path: '/v1/models',
      tag: 'Platform',
      summary: 'The active models, with their version and figures',
      permission: 'model:read',
      request: {},
      message: 'The active models.',
      data: z.object({ items: z.array(modelSchema) }),
      handle: async () => {
        const active = await activeModels(database.asService());
        return {
          items: active.map(({ name, version, figures, createdAt }) => ({
            name,
            version,
            figures: [...figures],
            createdAt: createdAt.toISOString(),
          })),
        };
      },
    }),

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
      summary: 'Metrics in the text form of Prometheus',
      contentType: deps.metrics.registry.contentType,
      headers: { 'Cache-Control': 'no-store' },
      render: () => renderMetrics(deps),
    }),
  ];
}
