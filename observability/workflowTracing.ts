import { defaultPayloadConverter, type Headers, type Payload } from '@temporalio/common';
import type { WorkflowInterceptors } from '@temporalio/workflow';

/** The header in which Temporal's OpenTelemetry interceptors carry W3C trace context. */
const traceHeader = '_tracer-data';

/**
 * Hands the trace that started a workflow on to its activities, child workflows and log lines. It runs inside the
 * workflow sandbox, where every workflow evaluates its modules anew: OpenTelemetry itself there costs a third of a
 * workflow's processor time, so the sandbox passes the context on and the spans are made outside, by client and
 * activities.
 */
export function interceptors(): WorkflowInterceptors {
  let trace: Payload | undefined;
  const traced = <I extends { headers: Headers }>(input: I): I =>
    trace === undefined ? input : { ...input, headers: { ...input.headers, [traceHeader]: trace } };
  return {
    inbound: [
      {
        execute(input, next) {
          trace = input.headers[traceHeader];
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(traced(input)),
        scheduleLocalActivity: (input, next) => next(traced(input)),
        startChildWorkflowExecution: (input, next) => next(traced(input)),
        continueAsNew: (input, next) => next(traced(input)),
        signalWorkflow: (input, next) => next(traced(input)),
        getLogAttributes: (input, next) => next({ ...idsOf(trace), ...input }),
      },
    ],
  };
}

/** `traceparent` is `version-trace id-span id-flags` (W3C Trace Context, 3.2). */
function idsOf(trace: Payload | undefined): Record<string, string> {
  if (trace === undefined) return {};
  const { traceparent = '' } = defaultPayloadConverter.fromPayload<{ traceparent?: string }>(trace);
  const [, trace_id, span_id] = traceparent.split('-');
  return trace_id === undefined || span_id === undefined ? {} : { trace_id, span_id };
}
