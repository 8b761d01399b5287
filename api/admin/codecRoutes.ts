import type { Payload } from '@temporalio/common';
import { validate as isUuid } from 'uuid';
import { insertAuditEntry } from '../../db/auditEntries.ts';
import { decodingLifetimeMs } from '../../domain/operations.ts';
import { secondMs } from '../../domain/time.ts';
import { isSealed, openPayload, PayloadSealedError, sealPayload } from '../../temporal/codec.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { codecPath, createCodecCookies } from './codecCookies.ts';
import { codecPages } from './codecPages.ts';
import { codecSessionSchema, namespaceHeaderSchema, payloadsSchema, type JsonPayload } from './codecSchemas.ts';

const terms = { tag: 'Operations', permission: 'operations:manage', method: 'post' } as const;

/** How many workflows one row of the audit names. */
const namedWorkflows = 20;

/** Temporal's codec server: operators read encrypted payloads in its Web UI and by its command line. */
export function codecRoutes(deps: ApiDeps): Route[] {
  const { database, payloadKeys } = deps;
  const cookies = createCodecCookies(deps);

  /** What does not open comes back as it came, so that one payload does not hide the others. */
  function open(given: JsonPayload): { payload: JsonPayload; workflowId?: string } {
    const sealed = fromJson(given);
    if (!isSealed(sealed)) return { payload: given };
    try {
      const { payload, workflowId = 'unknown' } = openPayload(sealed, payloadKeys);
      return { payload: toJson(payload), workflowId };
    } catch (error) {
      if (error instanceof PayloadSealedError) return { payload: given };
      throw error;
    }
  }

  return [
    userRoute({
      ...terms,
      path: `${codecPath}/decode`,
      rateClass: 'read',
      summary: 'Open encrypted payloads, for the Temporal Web UI and command line',
      description:
        'Temporal’s codec protocol, so the answer has no envelope. A browser may show the cookie of `POST /v1/admin/codec/session` instead of a token. Each request is written down: who, of which workflows, how many.',
      request: { headers: namespaceHeaderSchema, body: payloadsSchema },
      message: 'The payloads, opened.',
      data: payloadsSchema,
      isBare: true,
      takesContent: true,
      byCookie: cookies.identify,
      handle: async ({ headers, body }, { caller: { userId } }) => {
        const opened = body.payloads.map(open);
        const workflowIds = [...new Set(opened.flatMap(({ workflowId }) => workflowId ?? []))];
        const sessionId = workflowIds.length === 1 ? sessionIdOf(workflowIds[0]) : undefined;
        await insertAuditEntry(database.asService(), {
          action: 'decode',
          outcome: 'done',
          by: { userId },
          ...(sessionId === undefined ? {} : { sessionId }),
          details: {
            namespace: headers['x-namespace'] ?? null,
            payloads: body.payloads.length,
            opened: opened.filter(({ workflowId }) => workflowId !== undefined).length,
            workflows: workflowIds.length,
            workflowIds: workflowIds.slice(0, namedWorkflows).join(' '),
          },
        });
        return { payloads: opened.map(({ payload }) => payload) };
      },
    }),

    userRoute({
      ...terms,
      path: `${codecPath}/encode`,
      rateClass: 'read',
      summary: 'Encrypt payloads, for the Temporal command line',
      description: 'What `temporal workflow query`, `signal` and `metadata` send.',
      request: { headers: namespaceHeaderSchema, body: payloadsSchema },
      message: 'The payloads, encrypted.',
      data: payloadsSchema,
      isBare: true,
      takesContent: true,
      handle: ({ body }) =>
        Promise.resolve({ payloads: body.payloads.map((given) => toJson(sealPayload(fromJson(given), payloadKeys))) }),
    }),

    userRoute({
      ...terms,
      path: `${codecPath}/session`,
      rateClass: 'auth',
      summary: 'Let this browser open payloads for an hour',
      description:
        'Sets a cookie that is good for `POST /v1/admin/codec/decode` alone, and for requests of the Temporal Web UI alone. It ends with the log-in.',
      request: {},
      status: 201,
      message: 'This browser may open payloads.',
      answerHeaders: ['Set-Cookie'],
      data: codecSessionSchema,
      handle: async (_input, { caller, header }) => {
        header('Set-Cookie', await cookies.make(caller));
        return { expiresInSeconds: decodingLifetimeMs / secondMs };
      },
    }),

    ...codecPages,
  ];
}

function fromJson({ metadata, data }: JsonPayload): Payload {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  return {
    ...(metadata === undefined
      ? {}
      : { metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, bytes(text)])) }),
    ...(data === undefined ? {} : { data: bytes(data) }),
  };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, text(bytes)])),
    data: text(data ?? new Uint8Array()),
  };
}

/** The session that a workflow is of; undefined for every other workflow. */
function sessionIdOf(workflowId = ''): string | undefined {
  const id = workflowId.replace(/^session-/, '');
  return id !== workflowId && isUuid(id) ? id : undefined;
}
