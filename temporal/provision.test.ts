import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { readConfig } from '../config.ts';
import { dayMs } from '../domain/time.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';
import { connectTemporal } from './connection.ts';
import { ArchivalUnavailableError, provisionTemporal } from './provision.ts';

let connection: Connection;
beforeAll(async () => {
  connection = await connectTemporal(readConfig());
});
afterAll(() => connection.close());

const newSettings = () => ({
  TEMPORAL_NAMESPACE: `provisioned-${randomUUID().slice(0, 8)}`,
  TEMPORAL_RETENTION_DAYS: 30,
  TEMPORAL_HISTORY_ARCHIVAL_URI: undefined,
  TEMPORAL_VISIBILITY_ARCHIVAL_URI: undefined,
});

async function retentionDaysOf(namespace: string): Promise<number> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  return tsToMs(config?.workflowExecutionRetentionTtl) / dayMs;
}

test('a namespace gets its search attributes and its retention, and a second run changes nothing (T4)', async () => {
  const settings = newSettings();
  const names = Object.values(searchAttributes).map(({ name }) => name);
  expect(await provisionTemporal(connection, settings)).toEqual([
    'is made',
    `has the search attributes ${names.join(', ')}`,
  ]);
  expect(await provisionTemporal(connection, settings)).toEqual([]);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: settings.TEMPORAL_NAMESPACE,
  });
  expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(names));
  expect(await retentionDaysOf(settings.TEMPORAL_NAMESPACE)).toBe(30);
});

test('a retention that differs is changed (T4)', async () => {
  const settings = newSettings();
  await provisionTemporal(connection, settings);
  const longer = { ...settings, TEMPORAL_RETENTION_DAYS: 45 };
  expect(await provisionTemporal(connection, longer)).toEqual(['keeps histories 45 days']);
  expect(await retentionDaysOf(settings.TEMPORAL_NAMESPACE)).toBe(45);
  expect(await provisionTemporal(connection, longer)).toEqual([]);
});

test('an archive that the server does not offer is refused, not passed over (T4)', async () => {
  const settings = newSettings();
  await provisionTemporal(connection, settings);
  for (const name of ['TEMPORAL_HISTORY_ARCHIVAL_URI', 'TEMPORAL_VISIBILITY_ARCHIVAL_URI'] as const) {
    const archiving = { ...settings, [name]: 'file:///tmp/archive' };
    await expect(provisionTemporal(connection, archiving)).rejects.toThrow(ArchivalUnavailableError);
    await expect(provisionTemporal(connection, archiving)).rejects.toThrow('at file:///tmp/archive');
  }
  expect(await provisionTemporal(connection, settings)).toEqual([]);
});
