import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from './config.ts';
import { makeCertificates } from './tests/certificates.ts';

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

describe('the settings for a remote Temporal', () => {
  const { authority, client, server } = makeCertificates();
  const readWith = (set: Record<string, string>) => readConfig({ ...process.env, ...set });
  const tls = {
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: authority,
    TEMPORAL_TLS_CLIENT_CERT_DATA: client.certificate,
    TEMPORAL_TLS_CLIENT_KEY_DATA: client.key,
  };

  test('are an API key, and certificates as PEM', () => {
    expect(readWith({ ...tls, TEMPORAL_API_KEY: 'k' })).toMatchObject({ ...tls, TEMPORAL_API_KEY: 'k' });
  });

  test.each<[string, string, Record<string, string>]>([
    ['what is no certificate', 'TEMPORAL_TLS_SERVER_CA_CERT_DATA', { TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'MARKER' }],
    ['what is no key', 'TEMPORAL_TLS_CLIENT_KEY_DATA', { ...tls, TEMPORAL_TLS_CLIENT_KEY_DATA: 'MARKER' }],
    ['a certificate without its key', 'TEMPORAL_TLS_CLIENT_KEY_DATA', { ...tls, TEMPORAL_TLS_CLIENT_KEY_DATA: '' }],
    ['a key without its certificate', 'TEMPORAL_TLS_CLIENT_CERT_DATA', { ...tls, TEMPORAL_TLS_CLIENT_CERT_DATA: '' }],
    ['the key of another', 'TEMPORAL_TLS_CLIENT_KEY_DATA', { ...tls, TEMPORAL_TLS_CLIENT_KEY_DATA: server.key }],
    ['an API key in the clear', 'TEMPORAL_TLS', { TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: 'MARKER' }],
    ['certificates without TLS', 'TEMPORAL_TLS', { ...tls, TEMPORAL_TLS: 'false' }],
  ])('are refused with %s, by the name of %s (I5)', (_what, variable, set) => {
    expect(() => readWith(set)).toThrow(new RegExp(`^ {2}${variable}: `, 'm'));
    expect(() => readWith(set)).not.toThrow(/MARKER|PRIVATE KEY-/);
  });
});
