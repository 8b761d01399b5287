import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { exampleOf } from '../tests/examples.ts';
import type { Answer, httpClient } from './httpClient.ts';
import { throughputOf } from './statistics.ts';

/**
 * The calls of the gateway's bench, and the people who make them. What one call takes away or ends, no other call uses,
 * so that nothing is refused but what the gateway itself refuses.
 */

interface Person {
  email: string;
  password: string;
  accessToken: string;
  /** Sessions that stay as they are: read, listed and changed. */
  sessionIds: string[];
  /** A session that has ended, with results. */
  analyzedId: string;
}

interface SpareSession {
  id: string;
  owner: Person;
}

export interface Kind {
  title: string;
  /** Of a hundred calls. */
  share: number;
  /** The target of the specification, of the 95th percentile. */
  targetMs: number;
  call: () => Promise<Answer>;
}

interface Calls {
  /** Seventy of a hundred read. Creating a session starts a workflow, which the whole stack then works on. */
  mix: readonly Kind[];
  /** Reads a session that has ended, which the cache answers alone. */
  readCached: () => Promise<Answer>;
}

const tokensSchema = z.object({ data: z.object({ accessToken: z.string(), refreshToken: z.string() }) });
const sessionSchema = z.object({ data: z.object({ id: z.uuid() }) });

const size = { people: 40, sessionsEach: 5, sparesEach: 4, loginsEach: 6 };

/** Registers people with their sessions, and says what they do. */
export async function prepareCalls(api: ReturnType<typeof httpClient>): Promise<Calls> {
  const example = await exampleOf('dowsing');
  /** Sessions of which one call at most is an analysis or a deletion. */
  const spares: SpareSession[] = [];
  /** Refresh tokens: those that wait for their next refresh, and those that wait for a log-out. */
  const refreshable: string[] = [];
  const leaving: string[] = [];
  let turn = 0;

  async function made(call: Promise<Answer>): Promise<unknown> {
    const { status, text } = await call;
    if (status >= 300) throw new Error(`The bench could not be prepared: ${status} ${text}`);
    return JSON.parse(text);
  }

  function create({ accessToken }: Person): Promise<Answer> {
    return api.call('POST', '/sessions', { token: accessToken, body: { ...example, autoAnalyze: false } });
  }

  async function newSession(person: Person): Promise<string> {
    return sessionSchema.parse(await made(create(person))).data.id;
  }

  function logIn({ email, password }: Person): Promise<Answer> {
    return api.call('POST', '/auth/login', { body: { email, password } });
  }

  function analyze({ id, owner }: SpareSession): Promise<Answer> {
    return api.call('POST', `/sessions/${id}/analysis`, { token: owner.accessToken });
  }

  function read({ accessToken }: Person, path: string): Promise<Answer> {
    return api.call('GET', path, { token: accessToken });
  }

  async function newPerson(): Promise<Person> {
    const username = `bench-${randomUUID()}`;
    const credentials = { email: `${username}@example.com`, username, password: randomUUID() };
    const { data } = tokensSchema.parse(await made(api.call('POST', '/auth/register', { body: credentials })));
    const owner: Person = { ...credentials, accessToken: data.accessToken, sessionIds: [], analyzedId: '' };
    refreshable.push(data.refreshToken);
    for (let i = 1; i < size.loginsEach; i++) {
      const { refreshToken } = tokensSchema.parse(await made(logIn(owner))).data;
      (i === 1 ? leaving : refreshable).push(refreshToken);
    }
    for (let i = 0; i < size.sessionsEach; i++) owner.sessionIds.push(await newSession(owner));
    for (let i = 0; i < size.sparesEach; i++) spares.push({ id: await newSession(owner), owner });
    owner.analyzedId = await newSession(owner);
    await made(analyze({ id: owner.analyzedId, owner }));
    return owner;
  }

  const everybody: Person[] = [];
  await throughputOf(size.people, 8, async () => {
    everybody.push(await newPerson());
  });
  const reader = oneOf(everybody);
  for (const person of everybody) {
    while (!(await read(person, `/sessions/${person.analyzedId}`)).text.includes('"status":"completed"')) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  const mix: Kind[] = [
    { title: 'get a session', share: 40, targetMs: 500, call: () => readOne(oneOf(everybody)) },
    { title: 'list sessions', share: 8, targetMs: 500, call: () => read(oneOf(everybody), '/sessions?limit=10') },
    { title: 'get results', share: 12, targetMs: 500, call: () => readResults(oneOf(everybody)) },
    { title: 'read the account', share: 10, targetMs: 500, call: () => read(oneOf(everybody), '/me') },
    { title: 'update a session', share: 18, targetMs: 800, call: update },
    { title: 'create a session', share: 2, targetMs: 1_000, call: () => createSpare(oneOf(everybody)) },
    { title: 'delete a session', share: 1, targetMs: 300, call: deleteSpare },
    { title: 'start an analysis', share: 1, targetMs: 2_000, call: () => analyze(taken(spares)) },
    { title: 'refresh', share: 5, targetMs: 200, call: refresh },
    { title: 'log in', share: 2, targetMs: 500, call: () => comeIn(oneOf(everybody)) },
    { title: 'log out', share: 1, targetMs: 100, call: logOut },
  ];
  return { mix, readCached: () => read(reader, `/sessions/${reader.analyzedId}`) };

  function readOne(person: Person): Promise<Answer> {
    return read(person, `/sessions/${oneOf(person.sessionIds)}`);
  }

  function readResults(person: Person): Promise<Answer> {
    return read(person, `/sessions/${person.analyzedId}/results`);
  }

  /** Each session has its turn, so that no two calls change the same one at once. */
  function update(): Promise<Answer> {
    const { sessionIds, accessToken } = present(everybody[turn % everybody.length]);
    const id = present(sessionIds[Math.floor(turn / everybody.length) % sessionIds.length]);
    turn += 1;
    return api.call('PATCH', `/sessions/${id}`, { token: accessToken, body: { metadata: { note: randomUUID() } } });
  }

  async function createSpare(owner: Person): Promise<Answer> {
    const answer = await create(owner);
    if (answer.status === 201) spares.push({ id: sessionSchema.parse(JSON.parse(answer.text)).data.id, owner });
    return answer;
  }

  function deleteSpare(): Promise<Answer> {
    const { id, owner } = taken(spares);
    return api.call('DELETE', `/sessions/${id}`, { token: owner.accessToken });
  }

  /** A log-in is refreshed by one call at a time: a token that came twice would end it. */
  async function refresh(): Promise<Answer> {
    const answer = await api.call('POST', '/auth/refresh', { body: { refreshToken: taken(refreshable) } });
    if (answer.status === 200) refreshable.push(tokensSchema.parse(JSON.parse(answer.text)).data.refreshToken);
    return answer;
  }

  async function comeIn(person: Person): Promise<Answer> {
    const answer = await logIn(person);
    if (answer.status === 200) leaving.push(tokensSchema.parse(JSON.parse(answer.text)).data.refreshToken);
    return answer;
  }

  function logOut(): Promise<Answer> {
    return api.call('POST', '/auth/logout', { body: { refreshToken: taken(leaving) } });
  }
}

function oneOf<T>(values: readonly T[]): T {
  return present(values[Math.floor(Math.random() * values.length)]);
}

/** What has waited longest, for this call alone. */
function taken<T>(values: T[]): T {
  return present(values.shift());
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('There is nothing left to choose from');
  return value;
}
