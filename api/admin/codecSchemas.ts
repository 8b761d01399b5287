import { z } from 'zod';

/** A payload as Temporal writes it in JSON; what it holds beside these two is passed on as it is. */
const payloadSchema = z
  .looseObject({
    metadata: z.record(z.string(), z.base64()).exactOptional(),
    data: z.base64().exactOptional(),
  })
  .meta({ id: 'TemporalPayload', description: 'A payload in the JSON form of Temporal’s protocol.' });
export type JsonPayload = z.output<typeof payloadSchema>;

export const payloadsSchema = z
  .strictObject({ payloads: z.array(payloadSchema).max(1_000).default([]) })
  .meta({ id: 'TemporalPayloads' });

export const namespaceHeaderSchema = z.object({
  'x-namespace': z
    .string()
    .max(255)
    .exactOptional()
    .meta({ description: 'The namespace that the payloads are from, as Temporal’s Web UI and command line say it.' }),
});

export const codecSessionSchema = z
  .object({ expiresInSeconds: z.int().describe('How long the cookie that came with this is good for.') })
  .meta({ id: 'CodecSession' });
