import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Messages and stack traces of failures go the way of every other payload, so that they are encrypted too. Temporal
 * loads this file by its path, in the workflows' sandbox as well.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
