import { afterAll, describe, expect, test } from '@jest/globals';
import {
  eventFields,
  mailFields,
  mayEnter,
  metricLabels,
  tables,
  type DataClass,
  type Destination,
} from '../domain/dataClasses.ts';
import { createMetrics } from '../observability/metrics.ts';
import { openTestDatabase } from './database.ts';

/** The migrator's own table. */
const notOurs = 'schema_migrations';

const database = openTestDatabase();
afterAll(() => database.close());

const rows = await database.asService().execute<{ table: string; column: string; secured: boolean }[]>(
  `select c.relname as "table", a.attname as "column", c.relrowsecurity as secured
   from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
     and c.relname <> :notOurs`,
  { notOurs },
);
const inDatabase = Map.groupBy(rows, ({ table }) => table);

describe('the table of data classes, held against the database (I5)', () => {
  test('names every table, and nothing that is none', () => {
    expect(Object.keys(tables).sort()).toEqual([...inDatabase.keys()].sort());
  });

  test.each(Object.entries(tables))('names every column of %s', (table, { columns }) => {
    expect(Object.keys(columns).sort()).toEqual((inDatabase.get(table) ?? []).map(({ column }) => column).sort());
  });

  test.each(Object.entries(tables).filter(([, { owner }]) => owner !== null))(
    'knows whose the rows of %s are, and the gateway is held to its caller’s',
    (table, { owner, columns }) => {
      expect(Object.keys(columns)).toContain(owner);
      expect(inDatabase.get(table)?.every(({ secured }) => secured)).toBe(true);
    },
  );
});

describe('the table of data classes (I5)', () => {
  test.each<[string, Destination, Readonly<Record<string, DataClass>>]>([
    ['a mail', 'mail', mailFields],
    ['an event', 'history', eventFields],
    ['a metric', 'metric', metricLabels],
  ])('lets no field of %s hold what may not go there', (_what, destination, classes) => {
    expect(Object.entries(classes).filter(([, dataClass]) => !mayEnter(destination, dataClass))).toEqual([]);
  });

  test('names every label of every metric', () => {
    const metrics = Object.values(createMetrics('test'));
    const labels = metrics.flatMap((metric) =>
      typeof metric === 'object' && 'labelNames' in metric ? (metric.labelNames as string[]) : [],
    );
    expect(labels).toContain('session_type');
    expect(labels.filter((label) => !(label in metricLabels))).toEqual([]);
  });
});
