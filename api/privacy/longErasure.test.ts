import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { startTestApi, type TestApi } from '../../tests/api.ts';
import { standApart } from '../../tests/apart.ts';
import { connectionOptions } from '../../temporal/connection.ts';
import { newSession } from '../../tests/database.ts';
import { asText } from '../../tests/histories.ts';
import { makeHistoryLong } from '../../tests/longHistory.ts';
import { eraseAccountWorkflowId } from '../../workflows/account.ts';

/* The erasure of an account with many sessions, where no worker runs before the test starts one. */

const changes = await standApart();
let api: TestApi;
let connection: Connection;
beforeAll(async () => {
  api = await startTestApi({ changes });
  connection = await Connection.connect({
    ...connectionOptions(api.resources.config),
    // A history that is long on purpose comes in one message.
    channelArgs: { 'grpc.max_receive_message_length': -1 },
  });
});
afterAll(async () => {
  await connection.close();
  await api.close();
});

/** The sessions that a run began to erase, one for each time. */
async function erasedBy(run: WorkflowHandle, ids: readonly string[]): Promise<string[]> {
  const { events } = await run.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const input = scheduled?.activityType?.name === 'erase' ? asText(scheduled.input) : '';
    return ids.filter((id) => input.includes(id));
  });
}

describe('erasing an account (I5)', () => {
  test('goes on in a new run once its history is long: no session is left out, and none is erased twice', async () => {
    const { database, objects } = api.resources;
    const user = await api.newUser();
    // More than are erased in one go, so that both runs have some.
    const ids = await Promise.all(
      Array.from({ length: 55 }, async () => {
        const id = await newSession(database, user.id);
        await objects.putSealed(`sessions/${id}/content/1`, Buffer.from('a cue'));
        return id;
      }),
    );
    const asked = await api.call('DELETE', '/v1/me', { token: user.token, body: { password: user.password } });
    const { id: receiptId } = asked.body.data as { id: string };
    const client = new Client({ connection, namespace: changes.TEMPORAL_NAMESPACE });
    const workflowId = eraseAccountWorkflowId(user.id);
    const long = await makeHistoryLong(client, workflowId);

    const withWorker = await startTestApi({ changes, worker: true });
    try {
      await client.workflow.getHandle(workflowId).result();
    } finally {
      await withWorker.close();
    }
    expect((await long.describe()).status.name).toBe('CONTINUED_AS_NEW');
    const [before, after] = [await erasedBy(long, ids), await erasedBy(client.workflow.getHandle(workflowId), ids)];
    expect([before.length, after.length]).toEqual([50, 5]);
    expect([...before, ...after].sort()).toEqual([...ids].sort());
    const { data } = (await api.call('GET', `/v1/erasures/${receiptId}`)).body;
    expect(data).toMatchObject({ state: 'erased', erasedRows: { users: 1, session_states: 55 } });
    for (const id of ids) expect(await objects.deletePrefix(`sessions/${id}/`)).toBe(0);
  });
});
