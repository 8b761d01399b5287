import type { z } from 'zod';
import { systemConfigRows, type SystemConfigVersion } from '../../db/systemConfig.ts';
import { ApiError } from '../../domain/errors.ts';
import { withChanges } from '../../domain/systemConfig.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { configChangesSchema, configPageSchema, ifMatchSchema } from './configSchemas.ts';

const terms = {
  path: '/v1/admin/config',
  tag: 'Operations',
  permission: 'config:manage',
  data: configPageSchema,
} as const;

/** The limits of the platform, as admins read and change them while it runs. */
export function configRoutes({ database, systemConfig }: ApiDeps): Route[] {
  const rows = systemConfigRows(database);

  return [
    userRoute({
      ...terms,
      method: 'get',
      summary: 'Read the limits of tiers and addresses, and the supported client versions',
      request: {},
      message: 'The configuration.',
      answerHeaders: ['ETag'],
      handle: async (_input, { header }) => {
        const newest = await rows.newest();
        header('ETag', etagOf(newest));
        return pageOf(newest);
      },
    }),

    userRoute({
      ...terms,
      method: 'put',
      summary: 'Change the limits of tiers and addresses, and the supported client versions',
      description:
        'The body replaces what was changed before; what it does not name is the default again. Every process follows within a second while it serves requests, and within five minutes at the latest.',
      request: { headers: ifMatchSchema, body: configChangesSchema },
      message: 'So it is.',
      answerHeaders: ['ETag'],
      errors: ['changed_meanwhile'],
      handle: async ({ headers, body }, { caller, header }) => {
        const version = Number(headers['if-match'].slice(1, -1));
        const newest = await rows.newest();
        const stored =
          newest.version === version ? await rows.addAfter(version, { changes: body, by: caller.userId }) : null;
        if (stored === null) throw new ApiError('changed_meanwhile');
        await systemConfig.remember(stored.changes);
        header('ETag', etagOf(stored));
        return pageOf(stored);
      },
    }),
  ];
}

function etagOf({ version }: SystemConfigVersion): string {
  return `"${version}"`;
}

function pageOf(stored: SystemConfigVersion): z.input<typeof configPageSchema> {
  return { ...stored, config: withChanges(stored.changes) };
}
