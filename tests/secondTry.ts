import { jest } from '@jest/globals';

// Real servers on a busy machine have moments of their own. What fails is told, then tried once more; the end of the run
// names what passed only then (tests/run.mjs), since that is a fault to look for too.
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
