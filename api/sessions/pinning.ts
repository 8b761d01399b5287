import type { Database } from '../../db/database.ts';
import { isRegistered } from '../../db/models.ts';
import { ApiError } from '../../domain/errors.ts';
import { pinnedVersion, type SessionContent } from '../../domain/impressions.ts';

/**
 * Holds a version that the client names against the registry, before anything is stored.
 *
 * @throws ApiError `validation_failed`
 */
export async function requireKnownVersion(
  database: Database,
  { sessionType, metadata }: Pick<SessionContent, 'sessionType' | 'metadata'>,
): Promise<void> {
  const version = pinnedVersion(metadata);
  if (version === undefined || (await isRegistered(database.asService(), sessionType, version))) return;
  throw new ApiError('validation_failed', [
    { path: 'metadata.model_version', message: `is not a registered version of ${sessionType}` },
  ]);
}
