import type { RequestHandler } from 'express';
import semver from 'semver';
import { z } from 'zod';
import { ApiError } from '../domain/errors.ts';
import { stateOf } from './requestState.ts';

/** Which client calls (G2), as every route takes it. */
export const clientVersionHeader = z.object({
  'x-client-version': z
    .string()
    .max(100)
    .regex(/^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/, 'must be a version like 2.1.0')
    .optional()
    .meta({ description: 'The version of the client.', example: '2.1.0' }),
});

/** Which versions of clients are served. */
export interface ClientVersions {
  /** An older one is served, and told that it will not be for long. */
  deprecatedBelow: string;
  deprecatedSince: Date;
  /** An older one is refused. */
  refusedBelow: string;
  /** When the deprecated ones will be refused. */
  refusedFrom: Date;
}

/** The oldest client library that was published is 1.1.0. */
export const clientVersions: ClientVersions = {
  deprecatedBelow: '1.1.0',
  deprecatedSince: new Date('2026-11-24T00:00:00Z'),
  refusedBelow: '1.0.0',
  refusedFrom: new Date('2027-05-24T00:00:00Z'),
};

const requestSchema = z.object({ headers: clientVersionHeader });

/**
 * Reads the version that the client says it has. One that is no version is refused rather than guessed at, an outdated
 * one by 426; one that will be refused is told by the headers `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
 */
export function holdToVersions(versions: ClientVersions): RequestHandler {
  return (request, response, next) => {
    const { 'x-client-version': version } = requestSchema.parse({ headers: request.headers }).headers;
    if (version !== undefined) {
      stateOf(response).fields.clientVersion = version;
      if (semver.lt(version, versions.refusedBelow)) throw new ApiError('client_outdated');
      if (semver.lt(version, versions.deprecatedBelow)) {
        response.setHeader('Deprecation', `@${Math.floor(versions.deprecatedSince.getTime() / 1_000)}`);
        response.setHeader('Sunset', versions.refusedFrom.toUTCString());
      }
    }
    next();
  };
}
