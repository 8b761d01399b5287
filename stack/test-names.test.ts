import { describe, expect, test } from '@jest/globals';
import { withTestNames } from './test-names.mjs';

describe('Tests on servers from outside', () => {
  test('use a database, a logical Redis database, a bucket and a namespace of their own', () => {
    expect(
      withTestNames({
        DATABASE_URL: 'postgresql://u:p@db:5432/prod?sslmode=require',
        REDIS_URL: 'redis://:p@cache:6379',
        S3_ENDPOINT: 'https://objects',
        S3_BUCKET: 'content',
        TEMPORAL_ADDRESS: 'temporal:7233',
      }),
    ).toEqual({
      DATABASE_URL: 'postgresql://u:p@db:5432/prod_test?sslmode=require',
      REDIS_URL: 'redis://:p@cache:6379/1',
      S3_ENDPOINT: 'https://objects',
      S3_BUCKET: 'content-test',
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_NAMESPACE: 'mindpeeker-test',
    });
  });

  test('change nothing for parts that are local', () => {
    expect(withTestNames({ PATH: '/bin' })).toEqual({ PATH: '/bin' });
  });
});
