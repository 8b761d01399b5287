import { describe, expect, test } from '@jest/globals';
import { namesKeptFromLogs } from '../domain/dataClasses.ts';
import { createLogger, type LogFields } from './logger.ts';
import { describeError, redact, redacted, redactText } from './redaction.ts';

const marker = 'MARKER-7f3a91';

/** What a call to the real logger writes, as text. */
function logged(fields: LogFields, message = 'something happened'): string {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } });
  logger.child({ inherited: fields }).error(fields, message);
  return lines.join('');
}

describe('Restricted and secret fields', () => {
  test.each(namesKeptFromLogs())('%s never reaches a log line, at any depth and in any spelling (I5)', (name) => {
    const spellings = [name, name.toUpperCase(), name.replace(/[A-Z]/g, (letter) => `_${letter}`)];
    for (const spelling of spellings) {
      const shapes = [marker, [marker], { deeper: { still: marker } }, [[{ x: marker }]]];
      for (const shape of shapes) {
        const line = logged({
          [spelling]: shape,
          list: [{ [spelling]: shape }],
          map: new Map([[spelling, shape]]),
          a: { b: { c: { d: [{ [spelling]: shape }] } } },
        });
        expect(line).not.toContain(marker);
        expect(line).toContain(redacted);
      }
    }
  });

  test('a whole session with its results leaves no word of it in the line (I5)', () => {
    const line = logged({
      session: {
        id: '8c1b2f0e-5a55-4c1b-9f57-0d6f1f1f0001',
        sessionType: 'remote_viewing',
        cue: marker,
        impressions: { words: [marker], sketches: [{ strokes: [{ points: [{ x: marker }] }] }] },
        metadata: { targets: [{ id: marker, words: [marker] }] },
        results: [{ resultType: 'remote_viewing.objects', data: { objects: [{ name: marker }] } }],
      },
    });
    expect(line).not.toContain(marker);
    expect(line).toContain('8c1b2f0e-5a55-4c1b-9f57-0d6f1f1f0001');
    expect(line).toContain('"sessionType":"remote_viewing"');
  });
});

describe('Texts', () => {
  test.each([
    ['a JWT', `token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.${marker} refused`],
    ['a bearer header', `Authorization: Bearer ${marker}`],
    ['a Stripe key', `sk_test_${marker}`],
    ['a SendGrid key', `SG.${marker}.x`],
    ['what signs an address', `PUT http://127.0.0.1:7070/a?X-Amz-Signature=${marker}`],
    ['the password of an address', `cannot reach redis://default:${marker}@127.0.0.1:6379`],
  ])('%s inside a message or an error is taken out (I5)', (_what, text) => {
    expect(logged({ error: new Error(text), note: text }, text)).not.toContain(marker);
  });

  test('an ordinary sentence stays as it is', () => {
    expect(redactText('Redis at redis://127.0.0.1:6379/0 is reachable again')).toBe(
      'Redis at redis://127.0.0.1:6379/0 is reachable again',
    );
  });

  test('a text too long for a line is cut', () => {
    expect(redactText('x'.repeat(100_000)).length).toBeLessThan(10_000);
  });
});

describe('Errors', () => {
  test('carry name, message, stack, code and cause, and nothing that hangs on them (I4, I5)', () => {
    const error = Object.assign(new TypeError('no answer', { cause: new Error(`because ${marker.slice(0, 3)}`) }), {
      code: 'ETIMEDOUT',
      config: { headers: { 'x-custom': marker } },
      response: marker,
    });
    const described = describeError(error);
    expect(described).toMatchObject({ name: 'TypeError', message: 'no answer', code: 'ETIMEDOUT' });
    expect(described.stack).toContain('redaction.test.ts');
    expect(described.cause).toMatchObject({ name: 'Error', message: 'because MAR' });
    expect(logged({ error })).not.toContain(marker);
  });

  test('of a database driver say what was refused, and quote no parameter (I5)', () => {
    const fromDriver = Object.assign(new Error(`invalid input syntax for type uuid: "${marker}"`), {
      severity: 'ERROR',
      code: '22P02',
      detail: `Key (cue)=(${marker}) already exists.`,
      where: marker,
      constraint: 'sessions_pkey',
      table: 'sessions',
    });
    const line = logged({ error: new Error('the write failed', { cause: fromDriver }) });
    expect(line).not.toContain(marker);
    expect(line).toContain('code 22P02, constraint sessions_pkey, table sessions');
  });

  test('of the mapper above the driver quote no value either (I5)', () => {
    class UniqueConstraintViolationException extends Error {
      override name = 'UniqueConstraintViolationException';
    }
    const line = logged({ error: new UniqueConstraintViolationException(`insert into sessions values ('${marker}')`) });
    expect(line).not.toContain(marker);
    expect(line).toContain('UniqueConstraintViolationException');
    expect(line).toContain('no facts');
  });
});

describe('Values that JSON does not know', () => {
  test('become plain, bounded ones', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(redact({ circular })).toBeDefined();
    expect(redact({ many: Array.from({ length: 300 }, (_, i) => i) })).toMatchObject({
      many: expect.arrayContaining(['[200 more]']),
    });
    expect(
      redact({
        at: new Date(0),
        never: new Date(Number.NaN),
        big: 10n,
        call: () => 1,
        sealed: Buffer.from(marker),
        buffer: new ArrayBuffer(3),
        kinds: new Set(['a']),
        nothing: null,
        yes: true,
      }),
    ).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      never: null,
      big: '10',
      call: undefined,
      sealed: '[13 bytes]',
      buffer: '[3 bytes]',
      kinds: ['a'],
      nothing: null,
      yes: true,
    });
  });
});
