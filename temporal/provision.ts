import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { msToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { Config } from '../config.ts';
import { dayMs, secondMs } from '../domain/time.ts';
import { searchAttributes } from '../workflows/searchAttributes.ts';

const { ARCHIVAL_STATE_ENABLED, ARCHIVAL_STATE_DISABLED } = proto.temporal.api.enums.v1.ArchivalState;
const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

/** What the namespace is to be like. */
type NamespaceSettings = Pick<
  Config,
  | 'TEMPORAL_NAMESPACE'
  | 'TEMPORAL_RETENTION_DAYS'
  | 'TEMPORAL_HISTORY_ARCHIVAL_URI'
  | 'TEMPORAL_VISIBILITY_ARCHIVAL_URI'
>;

/** Makes the namespace what it is to be, and says what that changed: nothing when it runs again. */
export async function provisionTemporal(connection: Connection, settings: NamespaceSettings): Promise<string[]> {
  const { TEMPORAL_NAMESPACE: namespace } = settings;
  return [
    ...(await register(connection, settings)),
    ...(await configure(connection, settings)),
    ...(await addSearchAttributes(connection, namespace)),
  ];
}

async function register(connection: Connection, settings: NamespaceSettings): Promise<string[]> {
  try {
    await connection.workflowService.registerNamespace({
      namespace: settings.TEMPORAL_NAMESPACE,
      workflowExecutionRetentionPeriod: retentionOf(settings),
    });
    return ['is made'];
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.ALREADY_EXISTS) return [];
    throw error;
  }
}

/** Thrown when a server takes what it was told of an archive, and does not go by it. */
export class ArchivalUnavailableError extends Error {
  override readonly name = 'ArchivalUnavailableError';
}

/**
 * Retention and archival, which can be changed at any time.
 *
 * @throws ArchivalUnavailableError
 */
async function configure(connection: Connection, settings: NamespaceSettings): Promise<string[]> {
  const { TEMPORAL_NAMESPACE: namespace } = settings;
  const { config } = await untilKnown(() => connection.workflowService.describeNamespace({ namespace }));
  const changes = differences(settings, config);
  if (changes.length === 0) return [];
  const history = archivalOf(settings.TEMPORAL_HISTORY_ARCHIVAL_URI);
  const visibility = archivalOf(settings.TEMPORAL_VISIBILITY_ARCHIVAL_URI);
  const { config: changed } = await connection.workflowService.updateNamespace({
    namespace,
    config: {
      workflowExecutionRetentionTtl: retentionOf(settings),
      historyArchivalState: history.state,
      historyArchivalUri: history.uri,
      visibilityArchivalState: visibility.state,
      visibilityArchivalUri: visibility.uri,
    },
  });
  // A cluster that is not configured for it takes an archive without a word.
  const left = differences(settings, changed);
  if (left.length > 0) throw new ArchivalUnavailableError(`Temporal did not take that it ${left.join(' and ')}.`);
  return changes;
}

/** What about a namespace is not as it should be, said as what it then does. */
function differences(
  settings: NamespaceSettings,
  config: proto.temporal.api.namespace.v1.INamespaceConfig | null | undefined,
): string[] {
  const days = settings.TEMPORAL_RETENTION_DAYS;
  const history = archivalOf(settings.TEMPORAL_HISTORY_ARCHIVAL_URI);
  const visibility = archivalOf(settings.TEMPORAL_VISIBILITY_ARCHIVAL_URI);
  return [
    ...(optionalTsToMs(config?.workflowExecutionRetentionTtl) === days * dayMs ? [] : [`keeps histories ${days} days`]),
    ...(isSame(history, { state: config?.historyArchivalState, uri: config?.historyArchivalUri })
      ? []
      : [`archives histories ${whereTo(history)}`]),
    ...(isSame(visibility, { state: config?.visibilityArchivalState, uri: config?.visibilityArchivalUri })
      ? []
      : [`archives what is searched ${whereTo(visibility)}`]),
  ];
}

function whereTo({ uri }: Archival): string {
  return uri === '' ? 'nowhere' : `at ${uri}`;
}

function retentionOf({ TEMPORAL_RETENTION_DAYS: days }: NamespaceSettings) {
  return msToTs(days * dayMs);
}

interface Archival {
  state: proto.temporal.api.enums.v1.ArchivalState;
  uri: string;
}

function archivalOf(uri: string | undefined): Archival {
  return { state: uri === undefined ? ARCHIVAL_STATE_DISABLED : ARCHIVAL_STATE_ENABLED, uri: uri ?? '' };
}

/** A namespace keeps the address of what is no longer archived, and a new one may not have been told either. */
function isSame(wanted: Archival, there: { [Name in keyof Archival]?: Archival[Name] | null | undefined }): boolean {
  const isEnabled = there.state === ARCHIVAL_STATE_ENABLED;
  if (wanted.state !== ARCHIVAL_STATE_ENABLED) return !isEnabled;
  return isEnabled && there.uri === wanted.uri;
}

async function addSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await untilKnown(() => connection.operatorService.listSearchAttributes({ namespace }));
  const missing = Object.values(searchAttributes).filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return [];
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name }) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
  });
  return [`has the search attributes ${missing.map(({ name }) => name).join(', ')}`];
}

/** A namespace that was just registered is unknown to parts of the server for some seconds. */
async function untilKnown<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const deadline = Date.now() + 30 * secondMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isGrpcServiceError(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
