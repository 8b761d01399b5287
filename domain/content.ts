import { z } from 'zod';
import { imageSchema } from './images.ts';
import { impressionsSchemas } from './impressions.ts';
import type { SessionType } from './session.ts';
import { filledText, isStorableJson, storable } from './text.ts';

/** What a session holds as a whole: its cue, its impressions and its metadata, and how it is kept. */

export const cueSchema = filledText(10_000).describe('The question or coordinate that the session is about.');

const targetSchema = z
  .strictObject({
    id: filledText(200),
    words: z.array(filledText(200)).min(1).max(1_000).optional(),
    image: imageSchema.optional().describe('A picture of the target. It is never sent back: `hasImage` stands for it.'),
  })
  .refine(({ words, image }) => words !== undefined || image !== undefined, 'needs words, an image, or both');

/** A pool that a remote viewing is ranked against. */
export const targetsSchema = z
  .array(targetSchema)
  .min(2)
  .max(1_000)
  .describe('Remote viewing: the pool of targets that the impressions are ranked against.');

const maxMetadataBytes = 64 * 1024;

/** The metadata of any session, as far as a pool's images are concerned. */
const targetsHeldSchema = z.array(z.looseObject({ image: z.json().optional() }).catchall(z.json()));

/**
 * The metadata as the session's row keeps it and clients read it again: of a target's image it says `hasImage`. The
 * images lie with the impressions, sealed in object storage.
 */
export function keptMetadata({ metadata }: Pick<SessionContent, 'metadata'>): SessionMetadata | null {
  return metadata === undefined ? null : withoutImages(metadata);
}

function withoutImages(metadata: SessionMetadata): SessionMetadata {
  const targets = targetsHeldSchema.safeParse(metadata.targets).data;
  if (targets === undefined) return metadata;
  const kept = targets.map(({ image, ...target }) => (image === undefined ? target : { ...target, hasImage: true }));
  return { ...metadata, targets: kept };
}

/** Whether metadata holds pictures, or stands for metadata that does. */
export function holdsPictures(metadata: SessionMetadata | null | undefined): boolean {
  const targets = targetsHeldSchema.safeParse(metadata?.targets).data ?? [];
  return targets.some(({ image, hasImage }) => image !== undefined || hasImage === true);
}

/** What the row of a session keeps of its content; of these two it has the newest. */
export interface KeptContent {
  cue: string;
  metadata: SessionMetadata | null;
}

/**
 * The content as it is now. What is sealed in object storage is as old as its impressions and pictures: a change of
 * the cue or of other metadata is written to the row alone.
 */
export function presentContent(stored: SessionContent, { cue, metadata }: KeptContent): SessionContent {
  return { ...stored, cue, metadata: holdsPictures(stored.metadata) ? stored.metadata : (metadata ?? undefined) };
}

const versionName = filledText(50);

/** What the client wants kept beside the session; we read what is named here, and leave the rest alone. */
export const metadataSchema = z
  .looseObject({
    targets: targetsSchema.optional(),
    training_consent: z.boolean().optional(),
    model_version: z
      .union([versionName, z.array(versionName).min(1).max(5)])
      .optional()
      .describe(
        'The version of the model to analyze with, or several whose answers are combined; ours where left out.',
      ),
  })
  .pipe(
    z.record(z.string().max(200), z.json()).superRefine((metadata, context) => {
      const json = JSON.stringify(withoutImages(metadata));
      if (!isStorableJson(json)) context.addIssue({ code: 'custom', message: storable[1] });
      if (Buffer.byteLength(json) > maxMetadataBytes) {
        context.addIssue({ code: 'custom', message: `is larger than ${maxMetadataBytes} bytes beside the images` });
      }
    }),
  )
  .meta({ id: 'SessionMetadata' });
export type SessionMetadata = z.infer<typeof metadataSchema>;

/** The versions that the client wants the session analyzed with; none where it leaves that to us. */
export function pinnedVersions(metadata: SessionMetadata | null | undefined): readonly string[] {
  const pinned = metadata?.model_version ?? [];
  const versions = Array.isArray(pinned) ? pinned : [pinned];
  return [...new Set(versions.filter((version) => typeof version === 'string'))];
}

/**
 * What a person recorded: cue, impressions and metadata, sealed as one object in object storage.
 * The session type tells which impressions they are.
 */
export const sessionContentSchema = z.discriminatedUnion('sessionType', [
  contentOf('remote_viewing', impressionsSchemas.remote_viewing),
  contentOf('dowsing', impressionsSchemas.dowsing),
  contentOf('precognition', impressionsSchemas.precognition),
  contentOf('intuitive_analysis', impressionsSchemas.intuitive_analysis),
]);
export type SessionContent = z.infer<typeof sessionContentSchema>;

function contentOf<T extends SessionType, I extends z.ZodType>(sessionType: T, impressions: I) {
  return z.strictObject({
    sessionType: z.literal(sessionType),
    cue: cueSchema,
    impressions: impressions.optional(),
    metadata: metadataSchema.optional(),
  });
}
