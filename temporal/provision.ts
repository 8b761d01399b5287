import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { dayMs, secondMs } from '../domain/time.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';

/** How long Temporal keeps the history of a session that has ended. */
const retentionMs = 30 * dayMs;

/** Makes the namespace and its search attributes, where they are missing. Safe to run again. */
export async function provisionTemporal(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(retentionMs),
    });
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== status.ALREADY_EXISTS) throw error;
  }
  const { customAttributes } = await untilKnown(connection, namespace);
  const missing = Object.values(searchAttributes).filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      missing.map(({ name }) => [name, proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
    ),
  });
}

/** A namespace that was just registered is unknown to parts of the server for some seconds. */
async function untilKnown(connection: Connection, namespace: string) {
  const deadline = Date.now() + 30 * secondMs;
  for (;;) {
    try {
      return await connection.operatorService.listSearchAttributes({ namespace });
    } catch (error) {
      if (!isGrpcServiceError(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
