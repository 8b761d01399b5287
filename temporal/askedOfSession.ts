import type { LoadedDataConverter } from '@temporalio/common';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type proto from '@temporalio/proto';
import { z } from 'zod';
import { analyzeSignal } from '../workflows/session.ts';

/** What was asked of a run of a session, as its history has it: what a restart has to keep. */
export interface AskedOfSession {
  runId: string;
  analysis: boolean;
  cancellation: boolean;
  /** The restart that it was started by; null for the first run. */
  restartId: string | null;
}

/** Of the input of a run, as the release that started it wrote it. */
const startedWithSchema = z.object({
  analyzeAtOnce: z.boolean(),
  restart: z.object({ id: z.string() }).optional(),
});

/** Reads it out of a run's history; nothing is replayed. */
export async function askedIn(
  { events }: proto.temporal.api.history.v1.IHistory,
  converter: LoadedDataConverter,
): Promise<AskedOfSession> {
  const begun = events?.[0]?.workflowExecutionStartedEventAttributes;
  const started = startedWithSchema.parse(await decodeFromPayloadsAtIndex(converter, 0, begun?.input?.payloads));
  const signals = events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
  return {
    runId: begun?.originalExecutionRunId ?? '',
    analysis: started.analyzeAtOnce || signals?.includes(analyzeSignal.name) === true,
    cancellation: events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes) === true,
    restartId: started.restart?.id ?? null,
  };
}
