import { ApplicationFailure } from '@temporalio/workflow';

/*
 * A workflow that a request starts is named after the request, so that a repeated one finds it; the fingerprint tells
 * whether it is really the same request.
 */

/** Type of the failure that rejects an update whose request is not the one that started the workflow. */
export const otherRequestFailure = 'OtherRequest';
/** Type of the failure of an update that waited for something which ended before it was created. */
export const neverCreatedFailure = 'NeverCreated';

interface Fingerprinted {
  fingerprint: string;
}

/** Refuses the update of another request than the one with which the workflow was started. */
export function refuseOtherRequest(started: Fingerprinted): (asked: Fingerprinted) => void {
  return (asked) => {
    if (asked.fingerprint === started.fingerprint) return;
    throw ApplicationFailure.nonRetryable('Another request started this', otherRequestFailure);
  };
}
