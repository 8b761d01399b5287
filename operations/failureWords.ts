/** Kinds of failures, as the steps name them, in words that an operator reads at night. */
const meanings: Readonly<Record<string, string>> = {
  ConnectionException: 'PostgreSQL could not be reached.',
  DriverException: 'PostgreSQL refused or lost a statement.',
  MaxRetriesPerRequestError: 'Redis could not be reached.',
  CacheUnreachableError: 'Redis could not be reached, and a copy there had to go.',
  TimeoutError: 'What was called did not answer in time.',
  TimeoutFailure: 'The attempt ran out of time, or its worker died in the middle of it.',
  ResponseError: 'SendGrid answered with an error.',
  StripeConnectionError: 'Stripe could not be reached.',
  StripeAPIError: 'Stripe answered with an error of its own.',
  StripeRateLimitError: 'Stripe was asked too often.',
  S3ServiceException: 'The object storage answered with an error.',
  InternalError: 'The object storage answered with an error of its own.',
  ObjectMissingError: 'The content is not in the object storage.',
  ObjectCorruptError: 'The content does not open: it was altered, or its key is not configured.',
  ModelMissingError: 'No version of the model is ready on that worker.',
  ModelFailedError: 'The model failed on this session.',
  ArtefactCorruptError: 'The artefact of the model is not what its checksum says.',
  InferenceInterruptedError: 'The thread that ran the model died.',
  Unanalyzable: 'No model can read the impressions.',
  ModelPaused: 'An operator paused the model.',
  QueuePaused: 'An operator paused the queue.',
  CardDeclined: 'The payment was declined.',
  BillingUncertain: 'It is not known whether Stripe took the usage.',
  Rejected: 'The other side refused the request as wrong.',
  Error: 'A connection failed, most likely; the log of the worker has the details.',
};

/** What a failure of this kind means. */
export function inPlainWords(kind: string): string {
  return meanings[kind] ?? 'The log of the worker has the details.';
}
