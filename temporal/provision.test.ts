import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Connection } from '@temporalio/client';
import { readConfig } from '../config.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';
import { connectTemporal } from './connection.ts';
import { provisionTemporal } from './provision.ts';

let connection: Connection;
beforeAll(async () => {
  connection = await connectTemporal(readConfig());
});
afterAll(() => connection.close());

test('a namespace gets its search attributes, and a second run changes nothing (T4)', async () => {
  const namespace = `provisioned-${randomUUID().slice(0, 8)}`;
  await provisionTemporal(connection, namespace);
  await provisionTemporal(connection, namespace);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  for (const { name } of Object.values(searchAttributes)) expect(customAttributes).toHaveProperty(name);
});
