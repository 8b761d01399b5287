import type { RequestHandler } from 'express';
import { z } from 'zod';
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

const requestSchema = z.object({ headers: clientVersionHeader });

/** Reads the version that the client says it has; a wrong one is refused rather than guessed at. */
export const readClientVersion: RequestHandler = (request, response, next) => {
  if (request.headers['x-client-version'] !== undefined) {
    const { headers } = requestSchema.parse({ headers: request.headers });
    stateOf(response).fields.clientVersion = headers['x-client-version'];
  }
  next();
};
