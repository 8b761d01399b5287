import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidV7 } from 'uuid';
import { addApiKey } from '../db/apiKeys.ts';
import {
  keyPermissions,
  permissions,
  permissionsOf,
  permissionTable,
  roles,
  tiers,
  type KeyPermission,
  type Permission,
  type Role,
} from '../domain/tiers.ts';
import { startTestApi, type Answer } from '../tests/api.ts';
import { newSession, newUser } from '../tests/database.ts';
import { goodClaims, ourSigningKey, signedToken } from '../tests/tokens.ts';
import { until } from '../tests/until.ts';
import { createRoutes } from './app.ts';
import { newApiKey } from './auth/apiKeys.ts';
import { documentPathOf } from './openapi.ts';
import type { FileRoute, JsonRoute } from './route.ts';

/** Made from the routes themselves: a new route is tested by being there. */

const api = await startTestApi();
afterAll(() => api.close());
const { database } = api.resources;

const routes = createRoutes(api.deps);
const jsonRoutes = routes.filter((route) => route.kind !== 'plain');
const named = (route: JsonRoute | FileRoute) => `${route.method.toUpperCase()} ${route.path}`;
const guarded = jsonRoutes.filter(({ access }) => access !== 'public').map((route) => [named(route), route] as const);
const open = jsonRoutes.filter(({ access }) => access === 'public').map((route) => [named(route), route] as const);

const neededBy = ({ access }: JsonRoute | FileRoute) => (access === 'public' ? undefined : access.permission);
const forKeys: readonly Permission[] = keyPermissions;
const takesKeys = (route: JsonRoute | FileRoute) => forKeys.some((permission) => permission === neededBy(route));

/** Calls a route with ids of nothing; what comes behind the door does not matter here. */
function knock(
  route: JsonRoute | FileRoute,
  headers: Record<string, string>,
  id: string = randomUUID(),
): Promise<Answer> {
  const path = route.path.replace(/\{(\w+)\}/g, (_whole, name: string) => (name === 'name' ? 'dowsing' : id));
  const body = route.request.body === undefined ? {} : { body: {} };
  return api.call(route.method.toUpperCase(), path, { headers, ...body });
}

/** Somebody new each time, since some routes end what they are called with. */
async function tokenOf(role: Role): Promise<Record<string, string>> {
  const { id } = await newUser(database);
  return { Authorization: `Bearer ${await api.deps.tokens.issue({ id, tier: 'basic', role }, randomUUID())}` };
}

async function keyFor(scope: readonly KeyPermission[]): Promise<Record<string, string>> {
  const { id: userId } = await newUser(database);
  const { secret, keyHash, prefix } = newApiKey();
  const key = { id: uuidV7(), userId, name: 'a test', keyHash, prefix, permissions: scope, expiresAt: null };
  await addApiKey(database.asService(), key, 1);
  return { 'X-API-Key': secret };
}

const isLetIn = ({ status }: Answer) => status !== 401 && status !== 403;

describe.each(guarded)('%s', (_name, route) => {
  test('refuses nobody and whoever shows what is no longer good (G5)', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const { id } = await newUser(database);
    const expired = await signedToken(ourSigningKey(), { ...goodClaims(id), iat: now - 1_000, exp: now - 10 });
    for (const headers of [{}, { Authorization: `Bearer ${expired}` }, { 'X-API-Key': newApiKey().secret }]) {
      expect((await knock(route, headers)).body.error?.code).toBe('unauthenticated');
    }
  });

  test.each(roles)('lets in a %s exactly if the role has the permission (C3)', async (role) => {
    const needed = neededBy(route);
    const may = needed === undefined || permissionsOf({ tier: 'basic', role }).includes(needed);
    const answer = await knock(route, await tokenOf(role));
    expect([isLetIn(answer), answer.body.error?.code === 'forbidden']).toEqual([may, !may]);
  });

  test('lets in an API key with the scope, if keys are for that, and none without it (G5)', async () => {
    const needed = neededBy(route);
    const heldByTiers = permissionTable.find(({ name }) => name === needed)?.heldBy === 'tiers';
    const whole = await knock(route, await keyFor(keyPermissions));
    expect(isLetIn(whole)).toBe(takesKeys(route) && heldByTiers);
    const without = await knock(route, await keyFor(keyPermissions.filter((permission) => permission !== needed)));
    expect(without.body.error?.code).toBe('forbidden');
  });
});

test.each(open)('%s asks nobody who they are', async (_name, route) => {
  expect((await knock(route, {})).body.error?.code).not.toBe('forbidden');
  // Whether we are ready may be another answer from one moment to the next.
  await until(
    async () => [(await knock(route, { Authorization: 'Bearer none' })).status, (await knock(route, {})).status],
    ([shown, nothing]) => shown === nothing,
  );
});

/** Something of somebody's for each path with an id, and a body that the route takes. */
const belongings: Record<string, (userId: string) => Promise<string>> = {
  '/v1/sessions/{id}': (userId) => newSession(database, userId),
  '/v1/me/keys/{id}': async (userId) => {
    const { keyHash, prefix } = newApiKey();
    const id = uuidV7();
    await addApiKey(
      database.asService(),
      { id, userId, name: 'a test', keyHash, prefix, permissions: ['session:read'], expiresAt: null },
      1,
    );
    return id;
  },
};
const belongingOf = (route: JsonRoute | FileRoute) =>
  Object.keys(belongings).find((path) => route.path.startsWith(path));
const withSomebodysId = guarded.filter(([, route]) => belongingOf(route) !== undefined);

describe('somebody else’s', () => {
  test.each(withSomebodysId)('%s cannot be told from what never was (I5)', async (_name, route) => {
    const owner = await newUser(database);
    const id = await belongings[belongingOf(route) ?? '']?.(owner.id);
    const stranger = await tokenOf('user');
    const answers = [await knock(route, stranger, id), await knock(route, stranger)];
    const [theirs, nothing] = answers.map(({ status, body: { error } }) => ({ status, error }));
    expect(theirs).toEqual(nothing);
    if (route.request.body === undefined) expect(theirs?.error?.code).toBe('not_found');
  });
});

describe('the table of permissions', () => {
  test('is what the OpenAPI document says of every route (G1)', async () => {
    const document = (await (await fetch(`${api.url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { security: object[]; responses: object }>>;
    };
    for (const route of routes) {
      const operation = document.paths[documentPathOf(route)]?.[route.method];
      const needed =
        route.kind !== 'plain' && route.access !== 'public' ? [neededBy(route)].filter(Boolean) : undefined;
      const byKey = route.kind !== 'plain' && takesKeys(route) ? [{ apiKey: needed }] : [];
      expect(operation?.security).toEqual(needed === undefined ? [] : [{ accessToken: needed }, ...byKey]);
      if (needed !== undefined)
        expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']));
    }
  });

  test('has no permission that no route asks for', () => {
    const asked = new Set(jsonRoutes.map(neededBy));
    expect(permissions.filter((permission) => !asked.has(permission))).toEqual([]);
  });

  test('lets no role and no tier have less than the one below', () => {
    for (const tier of tiers) {
      const counts = roles.map((role) => permissionsOf({ tier, role }).length);
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    }
  });
});
