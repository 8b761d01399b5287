import type { RequestHandler } from 'express';
import semver from 'semver';
import { z } from 'zod';
import { ApiError } from '../domain/errors.ts';
import type { SystemConfigReader } from '../integrations/systemConfig.ts';
import { stateOf } from './requestState.ts';

/** A version as https://semver.org writes it, with numbers of a size that can be compared. */
const number = String.raw`(?:0|[1-9][0-9]{0,8})`;
const label = String.raw`(?:${number}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const build = String.raw`[0-9A-Za-z-]+`;
const versionForm = new RegExp(
  String.raw`^${number}\.${number}\.${number}(?:-${label}(?:\.${label})*)?(?:\+${build}(?:\.${build})*)?$`,
);

/** Which client calls (G2), as every route takes it. */
export const clientVersionHeader = z.object({
  'x-client-version': z
    .string()
    .max(100)
    .regex(versionForm, 'must be a version like 2.1.0')
    .optional()
    .meta({ description: 'The version of the client.', example: '2.1.0' }),
});

const versionedSchema = z.object({ headers: clientVersionHeader.required() });

/**
 * Reads the version that the client says it has. One that is no version is refused rather than guessed at, an outdated
 * one by 426; one that will be refused is told by the headers `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
 */
export function holdToVersions(systemConfig: SystemConfigReader): RequestHandler {
  return async (request, response, next) => {
    if (request.headers['x-client-version'] !== undefined) {
      const version = versionedSchema.parse({ headers: request.headers }).headers['x-client-version'];
      stateOf(response).fields.clientVersion = version;
      const { clientVersions: versions } = await systemConfig.current();
      if (semver.lt(version, versions.refusedBelow)) throw new ApiError('client_outdated');
      if (semver.lt(version, versions.deprecatedBelow)) {
        response.setHeader('Deprecation', `@${Math.floor(Date.parse(versions.deprecatedSince) / 1_000)}`);
        response.setHeader('Sunset', new Date(versions.refusedFrom).toUTCString());
      }
    }
    next();
  };
}
