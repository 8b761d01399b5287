import { fileURLToPath } from 'node:url';
import type { ClientInterceptors } from '@temporalio/client';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import type { InjectedSinks, WorkerInterceptors } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { Tracing } from './tracing.ts';

/**
 * What carries one trace from the request through the workflow into every activity. Start tracing first: the
 * interceptors ask for the process's tracer when they are made.
 *
 * A process that starts workflows gives `clientInterceptors()` to its client. A worker gives `workerInterceptors()` to
 * `Worker.create`. A workflow bundle made ahead takes `workflowTracingModule` into its `workflowInterceptorModules`,
 * since the worker's own list is not read then.
 */
export function clientInterceptors(): ClientInterceptors {
  return { workflow: [new OpenTelemetryWorkflowClientInterceptor()] };
}

export interface WorkerTracing {
  interceptors: WorkerInterceptors;
  sinks: InjectedSinks<Sinks>;
}

/** Carries the trace of whoever started a workflow through it and into each attempt. */
export function workerInterceptors({ tracer }: Pick<Tracing, 'tracer'>): WorkerTracing {
  return {
    interceptors: {
      workflowModules: [workflowTracingModule],
      activity: [
        (ctx) => ({
          inbound: new OpenTelemetryActivityInboundInterceptor(ctx, { tracer }),
          outbound: new OpenTelemetryActivityOutboundInterceptor(ctx),
        }),
      ],
    },
    // The sandbox makes no spans, so it has none to hand out.
    sinks: {},
  };
}

/** The path of the module that passes the trace on inside the workflow sandbox. */
export const workflowTracingModule = fileURLToPath(new URL('workflowTracing.ts', import.meta.url));
