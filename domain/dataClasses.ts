import type { SessionEventFacts, SessionEventType } from './events.ts';

/**
 * The one table of data classes (I5): what each column, object, Redis key, field of a log line, label of a metric,
 * property of an event and field of a mail may hold, and from that where it may go. Redaction, mails and events take
 * their lists and types from here; tests hold the database, the metrics, what lies in Redis and in object storage, and
 * what really leaves the processes against it.
 */

/**
 * The four classes of the specification, and above them `secret`: what opens doors or would let a person be
 * impersonated. A secret leaves its store for nobody, not even for the person whose account it belongs to.
 */
export type DataClass = 'public' | 'internal' | 'confidential' | 'restricted' | 'secret';

/** Where data goes beside its own store and its owner. */
export type Destination = 'log' | 'metric' | 'history' | 'mail' | 'analytics';

/** An id names somebody or something only to those who can look it up, so ids count as internal. */
const allowedIn: Record<Destination, readonly DataClass[]> = {
  log: ['public', 'internal'],
  metric: ['public', 'internal'],
  history: ['public', 'internal'],
  analytics: ['public', 'internal'],
  mail: ['public', 'internal', 'confidential'],
};

interface TableTerms {
  /** The column that says whose a row is, itself or by its session; null where rows are nobody's. */
  owner: string | null;
  /** What becomes of a person's rows when the account is erased; what is kept says why. */
  erasure: 'delete' | { keep: string };
  columns: Readonly<Record<string, DataClass>>;
}

const nobodys = { owner: null, erasure: { keep: 'It holds nothing of a person.' } } as const;

/**
 * Every table. The order is the one in which a person's rows are erased: what points at other rows comes before them.
 */
export const tables = {
  outcomes: {
    owner: 'session_id',
    erasure: 'delete',
    columns: {
      session_id: 'internal',
      outcome: 'restricted',
      scorecard: 'restricted',
      known_at: 'confidential',
      recorded_at: 'confidential',
      recorded_by: 'internal',
    },
  },
  analysis_results: {
    owner: 'session_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      session_id: 'internal',
      result_type: 'internal',
      confidence_score: 'restricted',
      data: 'restricted',
      created_at: 'internal',
    },
  },
  attachments: {
    owner: 'session_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      session_id: 'internal',
      user_id: 'internal',
      file_name: 'restricted',
      media_type: 'internal',
      size_bytes: 'internal',
      sha256: 'restricted',
      upload_id: 'internal',
      status: 'internal',
      rejection: 'internal',
      stored_bytes: 'internal',
      stored_sha256: 'restricted',
      created_at: 'internal',
      ended_at: 'internal',
    },
  },
  session_events: {
    owner: 'session_id',
    erasure: 'delete',
    columns: { session_id: 'internal', seq: 'internal', type: 'internal', data: 'internal', created_at: 'internal' },
  },
  session_shares: {
    owner: 'session_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      session_id: 'internal',
      token_hash: 'secret',
      created_at: 'internal',
      expires_at: 'internal',
    },
  },
  step_failures: {
    owner: 'session_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      session_id: 'internal',
      step: 'internal',
      attempt: 'internal',
      kind: 'internal',
      worker: 'internal',
      at: 'internal',
    },
  },
  stuck_sessions: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      session_id: 'internal',
      user_id: 'internal',
      session_type: 'internal',
      tier: 'internal',
      reason: 'internal',
      code: 'internal',
      step: 'internal',
      attempts: 'internal',
      since: 'internal',
    },
  },
  sessions: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      cue: 'restricted',
      session_type: 'internal',
      status: 'internal',
      metadata: 'confidential',
      created_at: 'internal',
      completed_at: 'internal',
    },
  },
  session_states: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      session_id: 'internal',
      user_id: 'internal',
      fingerprint: 'internal',
      content_key: 'internal',
      has_impressions: 'internal',
      step: 'internal',
      last_seq: 'internal',
      stuck: 'internal',
      updated_at: 'internal',
      deleted_at: 'internal',
    },
  },
  webhook_deliveries: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      endpoint_id: 'internal',
      user_id: 'internal',
      type: 'internal',
      data: 'internal',
      occurred_at: 'internal',
      state: 'internal',
      attempts: 'internal',
      last_attempt_at: 'internal',
      last_status_code: 'internal',
      last_duration_ms: 'internal',
      last_failure: 'internal',
      next_attempt_at: 'internal',
      created_at: 'internal',
    },
  },
  webhook_endpoints: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      url: 'confidential',
      description: 'confidential',
      events: 'internal',
      active: 'internal',
      disabled_reason: 'internal',
      disabled_at: 'internal',
      delivered_at: 'internal',
      secret: 'secret',
      previous_secret: 'secret',
      previous_secret_until: 'internal',
      created_at: 'internal',
      updated_at: 'internal',
    },
  },
  refresh_tokens: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      token_hash: 'secret',
      login_id: 'internal',
      user_id: 'internal',
      expires_at: 'internal',
      used_at: 'confidential',
      created_at: 'confidential',
    },
  },
  recovery_codes: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { user_id: 'internal', code_hash: 'secret' },
  },
  totp_secrets: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      user_id: 'internal',
      secret: 'secret',
      confirmed_at: 'confidential',
      last_step: 'confidential',
      created_at: 'confidential',
    },
  },
  passkeys: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      credential_id: 'confidential',
      public_key: 'confidential',
      counter: 'internal',
      transports: 'internal',
      backed_up: 'internal',
      label: 'confidential',
      created_at: 'confidential',
      last_used_at: 'confidential',
    },
  },
  account_states: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { user_id: 'internal', email_confirmed_at: 'confidential', pending_email: 'confidential' },
  },
  logins: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      agent: 'confidential',
      created_at: 'confidential',
      last_used_at: 'confidential',
      ended_at: 'confidential',
    },
  },
  billing_accounts: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { user_id: 'internal', stripe_customer_id: 'confidential', created_at: 'confidential' },
  },
  bills: {
    owner: 'user_id',
    erasure: { keep: 'The books must be kept; without the account they name nobody.' },
    columns: {
      session_id: 'internal',
      user_id: 'internal',
      units: 'confidential',
      state: 'internal',
      first_sent_at: 'confidential',
      updated_at: 'internal',
    },
  },
  user_roles: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { user_id: 'internal', role: 'internal', granted_at: 'internal' },
  },
  account_exports: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      state: 'internal',
      sessions_done: 'internal',
      sessions: 'internal',
      bytes: 'internal',
      created_at: 'internal',
      ready_at: 'internal',
      expires_at: 'internal',
    },
  },
  account_notices: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { id: 'internal', user_id: 'internal', kind: 'internal', email: 'confidential', at: 'internal' },
  },
  api_keys: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      user_id: 'internal',
      name: 'confidential',
      key_hash: 'secret',
      prefix: 'internal',
      permissions: 'internal',
      expires_at: 'internal',
      last_used_at: 'confidential',
      created_at: 'confidential',
    },
  },
  idempotency_keys: {
    owner: 'user_id',
    erasure: 'delete',
    columns: {
      user_id: 'internal',
      key_hash: 'internal',
      fingerprint: 'internal',
      claim: 'internal',
      claimed_until: 'internal',
      answer: 'secret',
      expires_at: 'internal',
    },
  },
  content_keys: {
    owner: 'user_id',
    erasure: 'delete',
    columns: { user_id: 'internal', sealed_key: 'secret', created_at: 'internal' },
  },
  users: {
    owner: 'id',
    erasure: 'delete',
    columns: {
      id: 'internal',
      email: 'confidential',
      username: 'confidential',
      password_hash: 'secret',
      tier: 'internal',
      created_at: 'confidential',
      updated_at: 'confidential',
    },
  },
  account_erasures: {
    owner: 'user_id',
    erasure: { keep: 'It is the receipt; once the erasure is done it names nobody.' },
    columns: {
      id: 'secret',
      user_id: 'internal',
      requested_at: 'internal',
      completed_at: 'internal',
      erased_rows: 'internal',
    },
  },
  models: {
    ...nobodys,
    columns: {
      name: 'public',
      active_version: 'public',
      canary_version: 'internal',
      canary_share: 'internal',
      shadow_version: 'internal',
      paused_at: 'public',
      pause_reason: 'public',
      updated_at: 'internal',
      updated_by: 'internal',
    },
  },
  model_versions: {
    ...nobodys,
    columns: {
      name: 'public',
      version: 'public',
      artefact_key: 'restricted',
      sha256: 'restricted',
      figures: 'public',
      seed: 'internal',
      sessions: 'public',
      backend: 'public',
      profile: 'restricted',
      card: 'public',
      created_at: 'public',
      created_by: 'internal',
    },
  },
  model_changes: {
    ...nobodys,
    columns: {
      id: 'internal',
      name: 'public',
      kind: 'internal',
      from_version: 'internal',
      to_version: 'internal',
      share: 'internal',
      reason: 'internal',
      changed_at: 'internal',
      changed_by: 'internal',
    },
  },
  model_comparisons: {
    ...nobodys,
    columns: {
      name: 'public',
      version: 'public',
      shadow_version: 'internal',
      result_type: 'public',
      sessions: 'internal',
      agreed: 'internal',
      confidence_difference: 'internal',
      updated_at: 'internal',
    },
  },
  trainings: {
    ...nobodys,
    columns: {
      id: 'internal',
      model: 'public',
      version: 'public',
      sessions: 'public',
      real_sessions: 'internal',
      seed: 'internal',
      fingerprint: 'internal',
      started_by: 'internal',
      state: 'internal',
      stage: 'internal',
      stage_done: 'internal',
      epoch: 'internal',
      epochs: 'internal',
      losses: 'internal',
      samples_per_second: 'internal',
      seconds_left: 'internal',
      figures: 'public',
      active_version: 'public',
      active_figures: 'public',
      decision: 'internal',
      reason: 'internal',
      failure: 'internal',
      started_at: 'internal',
      updated_at: 'internal',
      ended_at: 'internal',
    },
  },
  system_config: {
    ...nobodys,
    columns: { version: 'internal', changes: 'internal', changed_at: 'internal', changed_by: 'internal' },
  },
  stuck_searches: {
    ...nobodys,
    columns: { id: 'internal', finished_at: 'internal', sessions_looked_at: 'internal' },
  },
  backups: {
    ...nobodys,
    columns: {
      id: 'internal',
      state: 'internal',
      stage: 'internal',
      started_at: 'internal',
      taken_at: 'internal',
      ended_at: 'internal',
      objects: 'internal',
      object_bytes: 'internal',
      new_objects: 'internal',
      new_bytes: 'internal',
      database_bytes: 'internal',
      failure: 'internal',
    },
  },
  rehearsals: {
    ...nobodys,
    columns: {
      id: 'internal',
      backup_id: 'internal',
      state: 'internal',
      started_at: 'internal',
      ended_at: 'internal',
      table_rows: 'internal',
      objects: 'internal',
      sessions: 'internal',
      failure: 'internal',
    },
  },
  audit_entries: {
    ...nobodys,
    columns: {
      id: 'internal',
      at: 'internal',
      action: 'internal',
      outcome: 'internal',
      session_id: 'internal',
      by_user: 'internal',
      by_command: 'confidential',
      reason: 'confidential',
      details: 'internal',
      bulk_id: 'internal',
    },
  },
  bulk_action_sessions: { ...nobodys, columns: { bulk_id: 'internal', session_id: 'internal', begun_at: 'internal' } },
  bulk_actions: {
    ...nobodys,
    columns: {
      id: 'internal',
      act: 'internal',
      filters: 'internal',
      reason: 'confidential',
      per_second: 'internal',
      state: 'internal',
      started_at: 'internal',
      ended_at: 'internal',
      by_user: 'internal',
      by_command: 'confidential',
    },
  },
} as const satisfies Record<string, TableTerms>;
export type TableName = keyof typeof tables;

/** What lies in object storage, by the beginning of its key. */
export const objectPrefixes = {
  'sessions/': 'restricted',
  'models/': 'restricted',
  'trainings/': 'restricted',
  'exports/': 'restricted',
} as const satisfies Record<string, DataClass>;

/** What lies in Redis, by the form of its key. What is restricted there is sealed. */
export const redisKeys = {
  'session:{id}': 'restricted',
  'session:{id}:status': 'internal',
  'session:{id}:results': 'restricted',
  'session:{id}:inferences': 'internal',
  'inference:{hash}': 'restricted',
  'user:{id}': 'confidential',
  'user:{id}:permissions': 'internal',
  'user:{id}:rate_limit': 'internal',
  'key:{id}:rate_limit': 'internal',
  'address:{address}:rate_limit': 'confidential',
  'config:system': 'internal',
  'models:active': 'public',
  'revoked:login:{id}': 'internal',
  'passkey:registration:{id}:{challenge}': 'internal',
  'passkey:login:{challenge}': 'internal',
  'attempts:account:{hash}': 'internal',
  'attempts:address:{hash}': 'internal',
  'stats:realtime': 'internal',
  'drift:{model}:{version}:{day}': 'confidential',
  'live:sessions': 'internal',
} as const satisfies Record<string, DataClass>;

/** What a session's event says; events are read by their owner, and go to webhooks. */
export const eventFields = {
  seq: 'internal',
  event: 'internal',
  status: 'internal',
  step: 'internal',
  progress: 'internal',
  attempt: 'internal',
  stuck: 'internal',
  attachmentId: 'internal',
} as const satisfies Record<keyof (SessionEventFacts & { seq: number; event: SessionEventType }), DataClass>;

/** What a mail's template is filled with. */
export const mailFields = {
  username: 'confidential',
  /** Opens nothing but what its receiver may do; it ends by itself. */
  confirm_url: 'confidential',
  session_type: 'internal',
  session_url: 'internal',
} as const satisfies Record<string, DataClass>;
export type MailField = keyof typeof mailFields;

/** The labels of metrics; their values come from closed lists. */
export const metricLabels = {
  service: 'internal',
  session_type: 'internal',
  status: 'internal',
  tier: 'internal',
  endpoint: 'public',
  method: 'public',
  route: 'public',
  model: 'public',
  version: 'public',
  backend: 'public',
  outcome: 'internal',
  class: 'public',
  counted_by: 'internal',
  feature: 'internal',
  network: 'internal',
  part: 'public',
  step: 'internal',
  queue: 'public',
  reason: 'internal',
} as const satisfies Record<string, DataClass>;

/**
 * Names under which content and secrets travel beside the columns: in bodies, headers, results and settings. When in
 * doubt, a name stands here.
 */
const fields = {
  restricted: [
    // What a person recorded.
    ...['content', 'impressions', 'words', 'transcript', 'sketch', 'sketches', 'strokes', 'points', 'trace', 'image'],
    ...[
      'calibration',
      'question',
      'region',
      'series',
      'values',
      'forecast',
      'dimensions',
      'rows',
      'ratings',
      'targets',
    ],
    // What a model said of it, and what a model is made of.
    ...['result', 'results', 'summary', 'descriptors', 'objects', 'terrain', 'places', 'ranking', 'cells', 'clusters'],
    ...['anomalies', 'importance', 'similar', 'map', 'weights', 'parameters'],
    // What may carry any of these whole.
    ...['body', 'payload', 'headers', 'query', 'sql'],
  ],
  secret: [
    ...[
      'password',
      'newPassword',
      'currentPassword',
      'token',
      'tokens',
      'accessToken',
      'refreshToken',
      'idToken',
      'jwt',
    ],
    ...[
      'authorization',
      'cookie',
      'cookies',
      'set-cookie',
      'x-api-key',
      'apiKey',
      'secret',
      'clientSecret',
      'secretKey',
    ],
    ...['secretAccessKey', 'privateKey', 'masterKey', 'masterKeys', 'signingKeys', 'idempotency-key', 'credentials'],
    ...['otpauthUrl', 'qrSvg', 'recoveryCode', 'recoveryCodes', 'challenge'],
  ],
  confidential: ['email', 'username', 'address', 'ip', 'userAgent'],
} as const satisfies Partial<Record<DataClass, readonly string[]>>;

/** Whether data of this class may go there. */
export function mayEnter(destination: Destination, dataClass: DataClass): boolean {
  return allowedIn[destination].includes(dataClass);
}

/** Names of columns that mean something else elsewhere, where they are harmless. */
const ambiguousColumns: readonly string[] = [
  'id',
  'url',
  'name',
  'metadata',
  'created_at',
  'updated_at',
  'used_at',
  'units',
  'recorded_at',
];

/** Every name that is taken out of a log line, at any depth and in any spelling. */
export function namesKeptFromLogs(): string[] {
  const columns = Object.values(tables)
    .flatMap(({ columns }) => Object.entries<DataClass>(columns))
    .filter(([name, dataClass]) => !mayEnter('log', dataClass) && !ambiguousColumns.includes(name))
    .map(([name]) => name);
  return [...new Set([...columns, ...fields.restricted, ...fields.secret, ...fields.confidential])];
}
