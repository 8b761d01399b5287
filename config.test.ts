import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from './config.ts';

describe('the configuration', () => {
  test('names every variable that is missing or wrong, and no value (I5)', () => {
    const read = () => readConfig({ ...process.env, DATABASE_URL: '', PORT: 'MARKER', JWT_SIGNING_KEYS: '{MARKER' });
    expect(read).toThrow(ConfigError);
    for (const name of ['DATABASE_URL', 'PORT', 'JWT_SIGNING_KEYS'])
      expect(read).toThrow(new RegExp(`^ {2}${name}: `, 'm'));
    expect(read).not.toThrow(/MARKER/);
  });

  test('takes what the stack sets', () => {
    expect(readConfig()).toMatchObject({ NODE_ENV: 'test', S3_REGION: 'us-east-1' });
  });
});
