import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { until } from '../tests/until.ts';
import { openStorage } from './storageClient.ts';

test('a storage that falls silent in the middle of an answer keeps nobody waiting for ever (D3, T1)', async () => {
  const silent = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('the first words');
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const address = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', accessKeyId: 'a', secretAccessKey: 'b' };
  const client = openStorage(address, 300);
  // A slow machine may not come to the answer in time.
  const { Body } = await until(() =>
    client.send(new GetObjectCommand({ Bucket: 'any', Key: 'any' })).catch(() => null),
  );
  await expect(Body?.transformToByteArray()).rejects.toMatchObject({ name: 'TimeoutError' });
  client.destroy();
  silent.closeAllConnections();
  silent.close();
});
