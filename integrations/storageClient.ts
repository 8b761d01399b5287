import { S3Client } from '@aws-sdk/client-s3';
import { secondMs } from '../domain/time.ts';

/** How the object storage is reached. */
export interface StorageAddress {
  /** AWS itself unless given. */
  endpoint?: string | undefined;
  /** Where clients reach it; `endpoint` unless given. */
  publicEndpoint?: string | undefined;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** How long the storage may take to begin its answer, and be silent in the middle of one. */
const storagePatienceMs = 15 * secondMs;

/** Opens the object storage; nothing is connected before the first command. */
export function openStorage(
  { endpoint, region, accessKeyId, secretAccessKey }: StorageAddress,
  patienceMs = storagePatienceMs,
): S3Client {
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 2 * secondMs,
      requestTimeout: patienceMs,
      socketTimeout: patienceMs,
      throwOnRequestTimeout: true,
    },
    // The tag of every sealed object, and the SHA-256 of every attachment, say more than a checksum of its own would.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** Signs what clients are handed; it is never sent a command. */
export function openSigner({ publicEndpoint, ...address }: StorageAddress): S3Client {
  return openStorage({ ...address, endpoint: publicEndpoint ?? address.endpoint });
}
