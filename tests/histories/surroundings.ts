import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { SessionContent } from '../../domain/content.ts';
import type { SessionType, SessionWorkflowInput } from '../../domain/session.ts';
import { sessionFolder } from '../../integrations/sessionContent.ts';
import { connectTemporal } from '../../temporal/connection.ts';
import { bundleWorkflows } from '../../workers/workflowBundle.ts';
import { searchAttributes } from '../../workflows/searchAttributes.ts';
import { sessionWorkflowId } from '../../workflows/session.ts';
import { standApart } from '../apart.ts';
import { newUser } from '../database.ts';
import { exampleOf } from '../examples.ts';
import { startPlatform, type Platform } from '../platform.ts';
import { listenAsStripe, stripeAnswers, type StripeAnswer } from '../stripeListener.ts';
import { listenAsReceiver, type ReceiverAnswer } from '../webhookReceiver.ts';
import { until } from '../until.ts';

/** A session that was begun, and what can be made of its surroundings. */
export interface Begun {
  input: SessionWorkflowInput;
  workflowId: string;
  /** Its owner's address. */
  email: string;
  /** Puts its content where its steps look for it. */
  putContent: () => Promise<unknown>;
  /** Takes the content away, so that no attempt that needs it can succeed. */
  takeContent: () => Promise<void>;
}

interface BeginOptions {
  /** Default `intuitive_analysis`. */
  sessionType?: SessionType;
  /** Without it, the session waits for its impressions. Default true. */
  hasImpressions?: boolean;
  analyzeAtOnce?: boolean;
  /** Without it, the session cannot be created. Default true. */
  hasContent?: boolean;
  /** What the mail service answers to mail for its owner, while it does. */
  mail?: number;
  /** What Stripe answers to its usage, while it does. */
  stripe?: StripeAnswer | 'hang up';
}

/** The platform on real parts, and outside of it a Stripe, a mail service and a receiver that answer as they are told. */
export interface Surroundings {
  platform: Platform;
  client: Client;
  begin: (options?: BeginOptions) => Promise<Begun>;
  /** What Stripe answers to the usage of a session; takes it unless something else was set. */
  stripeOf: Map<string, StripeAnswer | 'hang up'>;
  /** What the mail service answers to mail for an address, as a status; 202 unless something else was set. */
  mailTo: Map<string, number>;
  /** What a receiver at this path answers; 204 unless something else was set. */
  receiverAt: Map<string, ReceiverAnswer>;
  receiverUrl: string;
  /** Waits until the workflow's pending activity has had so many attempts. */
  untilAttempt: (workflowId: string, attempt: number) => Promise<void>;
  /** Waits until a session waits for a person. */
  untilParked: (workflowId: string) => Promise<void>;
  /** Waits until the workflow waits for something other than an activity. */
  untilIdle: (workflowId: string) => Promise<void>;
  /** The history of a workflow, once it has ended. */
  historyOf: (workflowId: string) => Promise<History>;
  close: () => Promise<void>;
}

const patienceMs = 400_000;

/** Waits until a condition holds that only time and others bring about. */
export async function untilAtLast(holds: () => boolean | Promise<boolean>): Promise<void> {
  await until(holds, Boolean, patienceMs);
}

/** Starts all of it; `close` ends it. */
export async function surround(): Promise<Surroundings> {
  const stripeOf = new Map<string, StripeAnswer | 'hang up'>();
  const mailTo = new Map<string, number>();
  const receiverAt = new Map<string, ReceiverAnswer>();
  const stripeService = await listenAsStripe((path, body) =>
    path === '/v1/customers'
      ? stripeAnswers.customer
      : (stripeOf.get(body.get('identifier')?.replace(/^session-/, '') ?? '') ?? stripeAnswers.taken),
  );
  const mailService = await listenAsMailService(mailTo);
  const receiver = await listenAsReceiver((path) => receiverAt.get(path) ?? { status: 204 });
  const apart = await standApart();
  // It has no models yet.
  await promisify(execFile)(process.execPath, ['cli/provision.ts'], { env: { ...process.env, ...apart } });
  const platform = await startPlatform(
    { ...apart, STRIPE_API_BASE: stripeService.url, SENDGRID_API_BASE: mailService.url },
    new URL('../toyRecipe.ts', import.meta.url),
    await bundleInShortTime(),
  );
  const { config, contents, database, objects } = platform.resources;
  const connection = await connectTemporal(config);
  const client = new Client({ connection, namespace: apart.TEMPORAL_NAMESPACE });

  const exists = (workflowId: string) =>
    client.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => true,
        () => false,
      );
  const stateOf = async (workflowId: string) => {
    const { raw, typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
    return { pending: raw.pendingActivities ?? [], stuck: typedSearchAttributes.get(searchAttributes.stuckReason) };
  };

  return {
    ...{ platform, client, stripeOf, mailTo, receiverAt, receiverUrl: receiver.url },

    async begin({ sessionType = 'intuitive_analysis', hasContent = true, mail, stripe, ...given } = {}) {
      const { hasImpressions = true, analyzeAtOnce = hasImpressions } = given;
      const content: SessionContent = hasImpressions
        ? await exampleOf(sessionType)
        : { sessionType, cue: 'nothing recorded' };
      const sessionId = randomUUID();
      const { id: userId, email } = await newUser(database);
      if (mail !== undefined) mailTo.set(email, mail);
      if (stripe !== undefined) stripeOf.set(sessionId, stripe);
      const fingerprint = sessionId.replaceAll('-', '').padEnd(64, '0');
      const contentKey = `${sessionFolder(sessionId)}content/${fingerprint}`;
      const input: SessionWorkflowInput = {
        ...{ sessionId, userId, sessionType, fingerprint, contentKey, hasImpressions, analyzeAtOnce },
        tier: 'basic',
      };
      const putContent = () => contents.put({ sessionId, userId }, fingerprint, content);
      if (hasContent) await putContent();
      const workflowId = sessionWorkflowId(sessionId);
      // One that cannot be created is not waited for.
      const created = platform.workflows.createSession(input).catch(() => undefined);
      if (hasContent) await created;
      await untilAtLast(() => exists(workflowId));
      return { input, workflowId, email, putContent, takeContent: () => objects.delete(contentKey) };
    },

    untilAttempt: (workflowId, attempt) =>
      untilAtLast(async () =>
        (await stateOf(workflowId)).pending.some((activity) => (activity.attempt ?? 0) >= attempt),
      ),
    untilParked: (workflowId) =>
      untilAtLast(async () => {
        const { pending, stuck } = await stateOf(workflowId);
        return stuck !== undefined && pending.length === 0;
      }),
    untilIdle: (workflowId) =>
      untilAtLast(async () => {
        const { raw } = await client.workflow.getHandle(workflowId).describe();
        return (raw.pendingActivities ?? []).length === 0 && !raw.pendingWorkflowTask;
      }),

    async historyOf(workflowId) {
      const handle = client.workflow.getHandle(workflowId);
      await handle.result().catch(() => undefined);
      return handle.fetchHistory();
    },

    async close() {
      await platform.close();
      await connection.close();
      await Promise.all([stripeService.close(), mailService.close(), receiver.close()]);
    },
  };
}

/** The workflows as they are, except for what they take for time. */
async function bundleInShortTime(): Promise<{ code: string }> {
  const [time, shortTime] = ['../../domain/time.ts', 'shortTime.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return bundleWorkflows((options) => ({
    ...options,
    webpackConfigHook: (config) => ({
      ...config,
      resolve: {
        ...config.resolve,
        alias: { ...(config.resolve?.alias as Record<string, string>), [time ?? '']: shortTime ?? '' },
      },
    }),
  }));
}

/** Listens as SendGrid does. */
async function listenAsMailService(answers: ReadonlyMap<string, number>) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const [, status = 202] = [...answers].find(([address]) => text.includes(address)) ?? [];
      response.writeHead(status, { 'content-type': 'application/json' }).end(status === 202 ? '' : '{"errors":[]}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
