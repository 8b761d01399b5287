import { randomUUID } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createApiDeps, type ApiDeps } from '../api/deps.ts';
import { startApi, type ClientPatience } from '../api/server.ts';
import { readConfig, type Config } from '../config.ts';
import { grantRole } from '../db/roles.ts';
import type { Role } from '../domain/tiers.ts';
import { openResources, type Resources } from '../resources.ts';
import { createWorkflowClient } from '../temporal/client.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { connectWorker } from '../temporal/workerConnection.ts';
import { createCpuWorker, createWebhookWorker } from '../workers/pools.ts';
import { readWorkflowBundle } from '../workers/workflowBundle.ts';
import { coverageBundlePath, coverageSinks, mergeWorkflowCoverage } from './workflowCoverage.ts';

/** An answer as a client gets it. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The envelope; null where the answer is none. */
  body: Envelope;
}

export interface Envelope {
  success: boolean;
  data: never;
  message: string;
  timestamp: string;
  requestId: string;
  error?: { code: string; details?: { path: string; message: string }[]; retryable: boolean; help?: string };
}

export interface CallOptions {
  token?: string | undefined;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  text?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

/** A user of their own for a test, signed in. */
export interface TestUser {
  id: string;
  email: string;
  password: string;
  token: string;
  refreshToken: string;
}

export interface TestApi {
  url: string;
  deps: ApiDeps;
  resources: Resources;
  /** Calls the API, and holds every answer against the OpenAPI document and the form of the envelope (G3). */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** A user of their own, signed in with what the role may do. */
  newUser(role?: Exclude<Role, 'user'>): Promise<TestUser>;
  close(): Promise<void>;
}

interface TestApiOptions {
  /** Parts of the configuration that differ from the test stack's. */
  changes?: Partial<Config>;
  /** Parts of the gateway that differ, such as a logger that keeps its lines. */
  deps?: Partial<ApiDeps>;
  /** Runs the CPU pool beside, in this process, and the calls of webhooks with it. */
  worker?: boolean;
  /** How long clients may take, where that is not left to the gateway. */
  patience?: ClientPatience;
}

/** Starts the gateway in this process, on the test stack and a free port. */
export async function startTestApi({
  changes,
  deps: given,
  worker = false,
  patience,
}: TestApiOptions = {}): Promise<TestApi> {
  const config: Config = { ...readConfig(), LOG_LEVEL: 'silent', ...changes };
  const resources = openResources(config, 'api-test');
  const connection = await connectTemporal(config);
  const workflows = createWorkflowClient({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const deps: ApiDeps = { ...(await createApiDeps(resources, workflows)), ...given };
  const pool = worker ? await startCpuPool(resources) : undefined;
  const api = await startApi(deps, { host: '127.0.0.1', port: 0 }, patience);
  const checkAnswer = await answerChecker(api.url);

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { token, body, text, headers } = options;
    const response = await fetch(`${api.url}${path}`, {
      method,
      headers: {
        ...(body === undefined && text === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(text === undefined ? {} : { body: text }),
    });
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      body: null as never,
    };
    const json = response.headers.get('content-type')?.startsWith('application/json') === true;
    if (json && method !== 'HEAD') answer.body = JSON.parse(answer.text) as Envelope;
    if ((json || answer.status === 304) && method !== 'HEAD') checkAnswer(method, path, answer);
    return answer;
  }

  return {
    url: api.url,
    deps,
    resources,
    call,

    async newUser(role) {
      const name = randomUUID();
      const credentials = { email: `${name}@example.com`, username: name, password: `pw-${name}` };
      const { body } = await call('POST', '/v1/auth/register', { body: credentials });
      const { user, accessToken, refreshToken } = body.data as {
        user: { id: string };
        accessToken: string;
        refreshToken: string;
      };
      const registered = { id: user.id, ...credentials, token: accessToken, refreshToken };
      if (role === undefined) return registered;
      await grantRole(resources.database.asService(), credentials.email, role);
      const { email, password } = credentials;
      const login = await call('POST', '/v1/auth/login', { body: { email, password } });
      const tokens = login.body.data as { accessToken: string; refreshToken: string };
      return { ...registered, token: tokens.accessToken, refreshToken: tokens.refreshToken };
    },

    async close() {
      await api.close();
      await pool?.close();
      await connection.close();
      await resources.close();
    },
  };
}

async function startCpuPool(resources: Resources): Promise<{ close(): Promise<void> }> {
  const { config } = resources;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await connectWorker(config);
  const workflowBundle = await readWorkflowBundle(coverageBundlePath);
  const workers = [
    await createCpuWorker(resources, connection, { workflowBundle, sinks: coverageSinks }),
    await createWebhookWorker(resources, connection),
  ];
  const running = workers.map((worker) => worker.run());
  return {
    async close() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      mergeWorkflowCoverage();
      await connection.close();
    },
  };
}

interface OpenApiDocument {
  paths: Record<
    string,
    Record<
      string,
      {
        responses: Record<
          string,
          { content?: Record<string, { schema: object }>; headers?: Record<string, { $ref: string }> }
        >;
      }
    >
  >;
  components: { schemas: Record<string, object>; headers: Record<string, HeaderTerms> };
}

/** Holds answers against what the API's own OpenAPI document says of them. */
async function answerChecker(url: string): Promise<(method: string, path: string, answer: Answer) => void> {
  const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as OpenApiDocument;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, 'openapi');
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^(/v1)?${template.replace(/\{\w+\}/g, '[^/]+')}$`),
  }));

  return (method, path, answer) => {
    const [pathname = path] = path.split('?');
    const template = templates.find(({ pattern }) => pattern.test(pathname))?.template;
    const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
    const isPlain = answer.status === 200 && /openapi\.json|jwks\.json|codec\/(de|en)code/.test(path);
    if (!isPlain && answer.status !== 304) expectEnvelope(answer);
    if (template === undefined || operation === undefined) {
      expect(answer.body.error?.code).toMatch(/^(not_found|method_not_allowed|validation_failed)$/);
      return;
    }
    const documented = operation.responses[String(answer.status)];
    if (documented === undefined) {
      throw new Error(`${method} ${template} answered an undocumented ${answer.status}: ${answer.text}`);
    }
    if (!isPlain) expectHeaders(documented.headers ?? {}, document.components.headers, answer);
    if (answer.status === 304) return;
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      answer.status,
      'content',
      'application/json',
    ];
    const ref = `openapi#/${pointer.map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}/schema`;
    const valid = ajv.validate({ $ref: ref }, answer.body);
    if (!valid) throw new Error(`${method} ${template} ${answer.status}: ${ajv.errorsText()}\n${answer.text}`);
  };
}

interface HeaderTerms {
  required?: boolean;
  schema: { pattern: string };
}

/** What is documented of the headers is so, and none of those that are documented anywhere comes unannounced. */
function expectHeaders(
  documented: Record<string, { $ref: string }>,
  components: Record<string, HeaderTerms>,
  { status, headers }: Answer,
): void {
  for (const [name, { $ref }] of Object.entries(documented)) {
    const terms = components[$ref.replace('#/components/headers/', '')];
    const value = headers.get(name);
    const isRight = value === null ? terms?.required !== true : new RegExp(terms?.schema.pattern ?? '').test(value);
    expect([status, name, value, isRight]).toEqual([status, name, value, true]);
  }
  const unannounced = Object.keys(components).filter((name) => headers.has(name) && !(name in documented));
  expect([status, unannounced]).toEqual([status, []]);
}

/** The whole envelope, of a success or of a failure. */
export function expectEnvelope({ status, headers, body }: Answer): void {
  expect(body.requestId).toMatch(/^req_[0-9a-f]{32}$/);
  expect(headers.get('x-request-id')).toBe(body.requestId);
  expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(body.message.length).toBeGreaterThan(0);
  expect(body.success).toBe(status < 400);
  expect('data' in body).toBe(true);
  if (status >= 400) {
    expect(body.data).toBeNull();
    expect(body.error?.code).toMatch(/^[a-z_]+$/);
    expect(typeof body.error?.retryable).toBe('boolean');
  } else expect('error' in body).toBe(false);
}
