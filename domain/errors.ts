/**
 * The one table of errors (G3): what a client can be told, with its HTTP status, whether trying the same call again
 * can help, and what the person can do. Codes are stable: clients switch on them.
 */
interface ErrorTerms {
  status: number;
  retryable: boolean;
  message: string;
  help: string;
}

export const errorTable = {
  malformed_json: {
    status: 400,
    retryable: false,
    message: 'The body is not valid JSON.',
    help: 'Send a JSON body; numbers must be finite.',
  },
  validation_failed: {
    status: 400,
    retryable: false,
    message: 'Something in the request is not as it should be; nothing was stored.',
    help: 'Each entry of error.details names a field and what is wrong with it.',
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    message: 'A valid access token or API key is needed.',
    help: 'Log in, or refresh the token, and send it as "Authorization: Bearer <token>"; or send "X-API-Key: <key>".',
  },
  invalid_credentials: {
    status: 401,
    retryable: false,
    message: 'The e-mail or the password is wrong.',
    help: 'Check both and try again.',
  },
  second_factor_required: {
    status: 401,
    retryable: false,
    message: 'The password is right; the second factor is needed too.',
    help: 'Send the challenge of error.details to POST /v1/auth/login/second-factor within five minutes, with a code of your app or a recovery code.',
  },
  challenge_expired: {
    status: 401,
    retryable: false,
    message: 'This log-in took too long, or the password was changed meanwhile.',
    help: 'Log in again.',
  },
  link_invalid: {
    status: 400,
    retryable: false,
    message: 'This link does not work, or no longer.',
    help: 'Ask for another one.',
  },
  wrong_password: {
    status: 403,
    retryable: false,
    message: 'The current password is wrong.',
    help: 'Check it and try again, or have a link sent by which to choose a new one.',
  },
  wrong_code: {
    status: 403,
    retryable: false,
    message: 'The code is wrong, over, or was used before.',
    help: 'Wait for the next code of your app, see that your clock is right, or take a recovery code.',
  },
  passkey_refused: {
    status: 403,
    retryable: false,
    message: 'What the passkey answered was not accepted.',
    help: 'Ask for new options and try again: a challenge is good once, for five minutes, at this address alone, and the device has to check who you are.',
  },
  forbidden: {
    status: 403,
    retryable: false,
    message: 'This account or API key may not do that.',
    help: 'The permission that is missing is named in error.details.',
  },
  not_found: {
    status: 404,
    retryable: false,
    message: 'There is nothing here.',
    help: 'Check the address and the id.',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    message: 'This address does not know that method.',
    help: 'The Allow header lists the methods it knows.',
  },
  email_taken: {
    status: 409,
    retryable: false,
    message: 'An account with this e-mail exists.',
    help: 'Log in instead, or use another address.',
  },
  username_taken: {
    status: 409,
    retryable: false,
    message: 'This username is taken.',
    help: 'Choose another one.',
  },
  totp_active: {
    status: 409,
    retryable: false,
    message: 'The second factor is on already.',
    help: 'Switch it off first by DELETE /v1/me/totp.',
  },
  passkey_taken: {
    status: 409,
    retryable: false,
    message: 'This passkey is registered already.',
    help: 'Sign in with it, or use another one.',
  },
  too_many_passkeys: {
    status: 409,
    retryable: false,
    message: 'The account has as many passkeys as it may have.',
    help: 'Delete one that is no longer needed.',
  },
  analysis_begun: {
    status: 409,
    retryable: false,
    message: 'The analysis has begun; the session can no longer be changed.',
    help: 'Record a new session.',
  },
  impressions_missing: {
    status: 409,
    retryable: false,
    message: 'The session has no impressions to analyze yet.',
    help: 'PATCH the session with impressions, then ask again.',
  },
  results_not_ready: {
    status: 409,
    retryable: true,
    message: 'The results are not ready yet.',
    help: 'Wait for the live event analysis_completed, or ask again later.',
  },
  outcome_recorded: {
    status: 409,
    retryable: false,
    message: 'Another outcome of this session is recorded already, and what is recorded stays.',
    help: 'Read it at GET …/outcome.',
  },
  session_ended: {
    status: 409,
    retryable: false,
    message: 'The session has ended already.',
    help: 'Nothing needs to be done.',
  },
  not_stuck: {
    status: 409,
    retryable: false,
    message: 'The session is not stuck, so there is nothing to retry.',
    help: 'Read the session; it goes on by itself.',
  },
  step_not_reached: {
    status: 409,
    retryable: false,
    message: 'The session has not come to that step yet.',
    help: 'Reset it to the step that it is at, or to one before it.',
  },
  not_skippable: {
    status: 409,
    retryable: false,
    message: 'The session is at no step that may be left out.',
    help: 'Only notify may be, while the session is at it.',
  },
  nothing_to_pause: {
    status: 409,
    retryable: false,
    message: 'No step of the session is under way.',
    help: 'Nothing needs to be paused: it waits already, or it is being recorded.',
  },
  not_paused: {
    status: 409,
    retryable: false,
    message: 'No step of the session is paused.',
    help: 'Nothing needs to be done.',
  },
  more_than_expected: {
    status: 409,
    retryable: false,
    message: 'More sessions are meant than you expect; nothing was done.',
    help: 'Look at them by a dry run, narrow the filters or raise atMost, and ask again.',
  },
  too_many_webhooks: {
    status: 409,
    retryable: false,
    message: 'The account has as many webhooks as it may have.',
    help: 'Delete one that is no longer needed.',
  },
  webhook_inactive: {
    status: 409,
    retryable: false,
    message: 'The webhook is switched off.',
    help: 'Switch it on by PATCH {"active": true}, then ask again.',
  },
  no_earlier_version: {
    status: 409,
    retryable: false,
    message: 'No other version of this model was active before.',
    help: 'Promote a version by its name; GET /v1/models/{name}/versions lists them.',
  },
  training_running: {
    status: 409,
    retryable: false,
    message: 'A training of this model is under way.',
    help: 'It is named in error.details. Wait for it or cancel it, then ask again under a new Idempotency-Key.',
  },
  training_ended: {
    status: 409,
    retryable: false,
    message: 'The training has ended already.',
    help: 'Nothing needs to be done.',
  },
  request_in_flight: {
    status: 409,
    retryable: true,
    message: 'The same request is being served right now.',
    help: 'Send it again with the same Idempotency-Key in a moment; the answer will be the same.',
  },
  upload_incomplete: {
    status: 409,
    retryable: true,
    message: 'Not all of the file has arrived yet.',
    help: 'GET …/upload lists the parts that are missing, each with an address to send it to; then ask again.',
  },
  upload_ended: {
    status: 409,
    retryable: false,
    message: 'The upload has come to its end.',
    help: 'Read the attachment for what became of it; add a new one to send another file.',
  },
  too_many_attachments: {
    status: 409,
    retryable: false,
    message: 'The session has as many attachments as a session may have.',
    help: 'Delete one that is no longer needed.',
  },
  too_many_shares: {
    status: 409,
    retryable: false,
    message: 'As many links lead to the session as may at once.',
    help: 'Take back one that is no longer needed; those past their time do not count.',
  },
  storage_full: {
    status: 409,
    retryable: false,
    message: 'The file does not fit into what the account may still keep.',
    help: 'The numbers of bytes stand in error.details. Delete attachments, or take a larger tier.',
  },
  too_many_keys: {
    status: 409,
    retryable: false,
    message: 'The account has as many API keys as its tier allows.',
    help: 'Revoke one that is no longer used.',
  },
  session_deleted: {
    status: 410,
    retryable: false,
    message: 'The session that this Idempotency-Key names was deleted.',
    help: 'Use a new key for a new session.',
  },
  changed_meanwhile: {
    status: 412,
    retryable: false,
    message: 'It was changed since you read it; nothing was stored.',
    help: 'Read it again, make your change anew, and send it with the new ETag as If-Match.',
  },
  request_timeout: {
    status: 408,
    retryable: true,
    message: 'The request came too slowly.',
    help: 'Send it again over a better line; headers are waited for 15 seconds, a body two minutes.',
  },
  payload_too_large: {
    status: 413,
    retryable: false,
    message: 'The body is too large.',
    help: 'Send at most 10 MB where a session or its outcome is sent, and 100 kB elsewhere.',
  },
  file_too_large: {
    status: 413,
    retryable: false,
    message: 'A file of this size may not be added.',
    help: 'The most bytes that a file of this kind may have in this tier stand in error.details.',
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    message: 'The body must be JSON.',
    help: 'Send it with "Content-Type: application/json".',
  },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    message: 'This Idempotency-Key came with a different body before.',
    help: 'Use a new key, or send the first body again.',
  },
  checksum_mismatch: {
    status: 422,
    retryable: false,
    message: 'What arrived is not the file whose size and SHA-256 were named.',
    help: 'Name the size and the SHA-256 of the file itself, and send it again as a new attachment.',
  },
  media_type_mismatch: {
    status: 422,
    retryable: false,
    message: 'By its bytes the file is not of the type that was named.',
    help: 'Name the type that the file really has. Text must be UTF-8 without control characters.',
  },
  image_unreadable: {
    status: 422,
    retryable: false,
    message: 'The image is broken and cannot be shown.',
    help: 'Save it anew in an image program, and add it again.',
  },
  image_too_large: {
    status: 422,
    retryable: false,
    message: 'The image has more pixels than can be shown.',
    help: 'Make it smaller: at most 50 million pixels.',
  },
  client_outdated: {
    status: 426,
    retryable: false,
    message: 'This client version is no longer supported.',
    help: 'Update the client.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    message: 'Too many requests in the last minute.',
    help: 'Wait as many seconds as the Retry-After header says; RateLimit-Policy names the limits.',
  },
  too_many_attempts: {
    status: 429,
    retryable: true,
    message: 'There were too many attempts; whether this one was right was not looked at.',
    help: 'Wait as many seconds as the Retry-After header says, or have a link sent by which to choose a new password.',
  },
  queue_full: {
    status: 429,
    retryable: true,
    message: 'Too many analyses wait already; this one would wait too long.',
    help: 'How long it would wait stands in error.details. Try again after as many seconds as the Retry-After header says; a session without impressions, or with "autoAnalyze": false, can be recorded now.',
  },
  headers_too_large: {
    status: 431,
    retryable: false,
    message: 'The headers of the request are too large.',
    help: 'Send at most 16 kB of headers.',
  },
  internal: {
    status: 500,
    retryable: true,
    message: 'Something went wrong on our side.',
    help: 'Try again; if it stays, report the requestId.',
  },
  temporarily_unavailable: {
    status: 503,
    retryable: true,
    message: 'A part that this call needs is not reachable right now.',
    help: 'Try again in a few seconds; with an Idempotency-Key a repeated POST is safe.',
  },
  paused: {
    status: 503,
    retryable: true,
    message: 'New sessions wait for the end of a maintenance; those that are recorded go on by themselves.',
    help: 'Try again after as many seconds as the Retry-After header says, with the same Idempotency-Key.',
  },
  maintenance: {
    status: 503,
    retryable: true,
    message: 'The platform is being put right, and takes nothing meanwhile.',
    help: 'Try again when the Retry-After header says; nothing of what you send now is stored.',
  },
  erasure_pending: {
    status: 503,
    retryable: true,
    message: 'The deletion is recorded and will be finished by itself.',
    help: 'Nothing needs to be done; asking again tells whether it is done.',
  },
} as const satisfies Record<string, ErrorTerms>;

export type ErrorCode = keyof typeof errorTable;

/** One thing that is wrong: where (dotted path into the body, query or header) and what. */
export interface ErrorDetail {
  path: string;
  message: string;
}

/** Thrown when a request cannot be served for a reason that the client is told, by its code in the table. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];

  /** When the same call is worth another try; null where the table alone says it. */
  readonly retryAfterMs: number | null;

  constructor(
    code: ErrorCode,
    details: readonly ErrorDetail[] = [],
    { retryAfterMs = null, ...options }: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(errorTable[code].message, options);
    this.name = 'ApiError';
    this.retryAfterMs = retryAfterMs;
    this.code = code;
    this.details = details;
  }
}
