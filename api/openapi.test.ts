import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { permissionsOf } from '../domain/tiers.ts';
import { startTestApi, type TestApi, type TestUser } from '../tests/api.ts';
import { createRoutes } from './app.ts';
import { examples } from './examples/all.ts';
import { documentPathOf } from './openapi.ts';
import type { JsonRoute, Route } from './route.ts';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi();
  user = await api.newUser();
});
afterAll(() => api.close());

interface Media {
  example?: unknown;
  examples?: Record<string, { value?: unknown; $ref?: string }>;
}
interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
}
interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; examples: Record<string, { value: unknown }> };
}

const read = async () => (await (await fetch(`${api.url}/v1/openapi.json`)).json()) as Document;

describe('the OpenAPI document (G1)', () => {
  test('is of version 3.1 and names where the API is', async () => {
    const document = await read();
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers.map(({ url }) => url)).toEqual([
      '/v1',
      'https://api.mindpeeker.com/v1',
      'https://staging-api.mindpeeker.com/v1',
      'https://dev-api.mindpeeker.com/v1',
    ]);
  });

  test('has every route of the API and no other, each with a name of its own', async () => {
    const document = await read();
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => method !== 'servers')
        .map((method) => `${method} ${path}`),
    );
    const routes = createRoutes(api.deps);
    expect(described.sort()).toEqual(routes.map((route) => `${route.method} ${documentPathOf(route)}`).sort());
    const names = routes.map((route) => document.paths[documentPathOf(route)]?.[route.method]?.operationId);
    expect(new Set(names).size).toBe(routes.length);
  });

  test('a reference in it always leads somewhere', async () => {
    const document = await read();
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"/]+)"/g);
    for (const [, name = ''] of references) expect(Object.keys(document.components.schemas)).toContain(name);
  });

  test('can be read as a page that loads nothing from elsewhere', async () => {
    const page = await fetch(`${api.url}/v1/docs`);
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.filter((link) => /^https?:|^\/\//.test(link))).toEqual([]);
    for (const link of links.filter((link) => link.startsWith('/'))) {
      expect((await fetch(`${api.url}${link}`)).status).toBe(200);
    }
  });
});

const named = ({ method, path }: Route) => `${method.toUpperCase()} ${path}`;
const jsonRoutes = () => createRoutes(api.deps).filter((route): route is JsonRoute => route.kind === 'json');
const examplesOf = (route: Route) => [examples[named(route)] ?? []].flat();

describe('the examples in the OpenAPI document (G1)', () => {
  test('are there for what every JSON route takes and answers, and for nothing else', () => {
    const routes = jsonRoutes();
    expect(routes.filter((route) => examplesOf(route).length === 0).map(named)).toEqual([]);
    const known = new Set(routes.map(named));
    expect(Object.keys(examples).filter((name) => !known.has(name))).toEqual([]);
    const inOneAlone = routes.filter((route) =>
      examplesOf(route).some(({ request }) => (request === undefined) !== (route.request.body === undefined)),
    );
    expect(inOneAlone.map(named)).toEqual([]);
  });

  test('have a title of their own where a route has several', () => {
    for (const shown of jsonRoutes().map(examplesOf)) {
      expect(new Set(shown.map(({ title }) => title)).size).toBe(shown.length);
    }
  });

  test('are what the routes themselves would take and answer', () => {
    const problems = jsonRoutes().flatMap((route) =>
      examplesOf(route).flatMap(({ request, answer }) => {
        const results = [
          route.data.safeParse(answer),
          ...(route.request.body ? [route.request.body.safeParse(request)] : []),
        ];
        return results.flatMap(({ error }) => (error === undefined ? [] : [`${named(route)}: ${error.message}`]));
      }),
    );
    expect(problems).toEqual([]);
  });

  test('are what the document itself says of each request and each answer, failures too', async () => {
    const document = await read();
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).addSchema(document, 'openapi');
    const pointerTo = (parts: readonly string[]) =>
      parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const problems = mediaOf(document).flatMap(({ at, media: { example, examples: several } }) => {
      const values = several ? Object.values(several).map((one) => valueOf(document, one)) : [example];
      const schema = { $ref: `openapi#/${pointerTo([...at, 'schema'])}` };
      return values.flatMap((value) => (ajv.validate(schema, value) ? [] : [`${at.join(' ')}: ${ajv.errorsText()}`]));
    });
    expect(problems).toEqual([]);
  });
});

/** Everything in JSON that the document tells of routes whose answers have schemas, with where it stands. */
function mediaOf(document: Document): { at: string[]; media: Media }[] {
  return jsonRoutes().flatMap((route) => {
    const at = ['paths', documentPathOf(route), route.method];
    const operation = document.paths[documentPathOf(route)]?.[route.method];
    const parts = [
      { at: [...at, 'requestBody'], content: operation?.requestBody?.content },
      ...Object.entries(operation?.responses ?? {}).map(([status, { content }]) => ({
        at: [...at, 'responses', status],
        content,
      })),
    ];
    return parts.flatMap((part) => {
      const media = part.content?.['application/json'];
      return media === undefined ? [] : [{ at: [...part.at, 'content', 'application/json'], media }];
    });
  });
}

function valueOf(document: Document, { value, $ref }: { value?: unknown; $ref?: string }): unknown {
  return $ref === undefined ? value : document.components.examples[$ref.replace('#/components/examples/', '')]?.value;
}

// The answers of sessions and accounts are held against the document where they are tested.
describe('the platform’s own routes answer as documented', () => {
  test('the models, the totals and the caller', async () => {
    for (const path of ['/v1/models', '/v1/stats', '/v1/me']) {
      expect((await api.call('GET', path, { token: user.token })).status).toBe(200);
    }
  });

  test('the active models, with figures beside their chance (M2)', async () => {
    const { body } = await api.call('GET', '/v1/models', { token: user.token });
    const { items } = body.data as { items: { name: string; figures: { chance: number }[] }[] };
    expect(new Set(items.map(({ name }) => name)).size).toBe(items.length);
  });

  test('the totals count sessions by status and name every queue', async () => {
    const { body } = await api.call('GET', '/v1/stats', { token: user.token });
    const { queues } = body.data as { queues: { queue: string }[] };
    expect(queues.map(({ queue }) => queue)).toEqual(['mindpeeker-cpu', 'mindpeeker-gpu', 'mindpeeker-webhooks']);
  });

  test('the caller, with every permission of the tier', async () => {
    const { body } = await api.call('GET', '/v1/me', { token: user.token });
    expect(body.data).toMatchObject({
      id: user.id,
      email: user.email,
      permissions: permissionsOf({ tier: 'basic', role: 'user' }),
    });
  });
});
