import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newSession, newUser, openTestDatabase } from '../tests/database.ts';
import { claimBill, readBillState, releaseBill, rememberCustomer, voidBill } from './bills.ts';
import type { Database } from './database.ts';
import { recordStep } from './sessionSteps.ts';

let database: Database;
let userId: string;
beforeAll(async () => {
  database = openTestDatabase();
  userId = (await newUser(database)).id;
});
afterAll(() => database.close());

const em = () => database.asService();

/** A session that has come to its bill. */
async function atItsBill(): Promise<string> {
  const sessionId = await newSession(database, userId);
  await recordStep(em(), { sessionId, from: ['created'], status: 'billing', step: 'notify', type: 'notified' });
  return sessionId;
}

test('a bill is claimed once: a second claim keeps its state and its time (A4)', async () => {
  const sessionId = await atItsBill();
  const first = await claimBill(em(), { sessionId, units: 1 });
  expect(first).toMatchObject({ state: 'sending', stripeCustomerId: null });
  expect(await claimBill(em(), { sessionId, units: 1 })).toEqual(first);
});

test('only a session that is at its bill can be claimed (A4)', async () => {
  const sessionId = await newSession(database, userId);
  expect(await claimBill(em(), { sessionId, units: 1 })).toBeNull();
  expect(await readBillState(em(), sessionId)).toBeNull();
});

test('completing the session settles its bill (A4)', async () => {
  const sessionId = await atItsBill();
  await claimBill(em(), { sessionId, units: 1 });
  await recordStep(em(), { sessionId, from: ['billing'], status: 'completed', step: 'bill', type: 'completed' });
  expect(await readBillState(em(), sessionId)).toBe('sent');
  await releaseBill(em(), sessionId);
  expect(await readBillState(em(), sessionId)).toBe('sent');
});

test('a claim can be taken back, and a bill voided (A4)', async () => {
  const [released, voided] = [await atItsBill(), await atItsBill()];
  for (const sessionId of [released, voided]) await claimBill(em(), { sessionId, units: 1 });
  await releaseBill(em(), released);
  await voidBill(em(), voided);
  expect(await readBillState(em(), released)).toBeNull();
  expect(await readBillState(em(), voided)).toBe('void');
});

test('whom Stripe knows a user as stays the first one that was told (X1)', async () => {
  const owner = (await newUser(database)).id;
  await rememberCustomer(em(), owner, 'cus_1');
  await rememberCustomer(em(), owner, 'cus_2');
  const sessionId = await newSession(database, owner);
  await recordStep(em(), { sessionId, from: ['created'], status: 'billing', step: 'notify', type: 'notified' });
  expect(await claimBill(em(), { sessionId, units: 1 })).toMatchObject({ stripeCustomerId: 'cus_1' });
});
