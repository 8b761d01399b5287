import type { Database } from '../../db/database.ts';
import { isRegistered } from '../../db/models.ts';
import { ApiError } from '../../domain/errors.ts';
import { pinnedVersions, type SessionContent } from '../../domain/content.ts';

/**
 * Holds the versions that the client names against the registry, before anything is stored.
 *
 * @throws ApiError `validation_failed`
 */
export async function requireKnownVersion(
  database: Database,
  { sessionType, metadata }: Pick<SessionContent, 'sessionType' | 'metadata'>,
): Promise<void> {
  for (const version of pinnedVersions(metadata)) {
    if (await isRegistered(database.asService(), sessionType, version)) continue;
    throw new ApiError('validation_failed', [
      { path: 'metadata.model_version', message: `is not a registered version of ${sessionType}` },
    ]);
  }
}
