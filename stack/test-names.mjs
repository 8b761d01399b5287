/**
 * The environment of a test run on parts from outside: the same servers, and names of its own in each, so that tests
 * never touch the data that these servers keep for somebody.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withTestNames(env) {
  const named = { ...env };
  if (env.DATABASE_URL) {
    const url = new URL(env.DATABASE_URL);
    url.pathname = `${url.pathname === '/' || url.pathname === '' ? '/mindpeeker' : url.pathname}_test`;
    named.DATABASE_URL = url.href;
  }
  if (env.REDIS_URL) {
    const url = new URL(env.REDIS_URL);
    url.pathname = `/${(Number(url.pathname.slice(1) || 0) + 1) % 16}`;
    named.REDIS_URL = url.href;
  }
  if (env.BACKUP_S3_BUCKET) named.BACKUP_S3_BUCKET = `${env.BACKUP_S3_BUCKET}-test`;
  if (env.S3_ENDPOINT) named.S3_BUCKET = `${env.S3_BUCKET ?? 'mindpeeker'}-test`;
  if (env.TEMPORAL_ADDRESS) named.TEMPORAL_NAMESPACE = `${env.TEMPORAL_NAMESPACE ?? 'mindpeeker'}-test`;
  return named;
}
