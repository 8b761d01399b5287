import { describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { interceptors } from './workflowTracing.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const trace = defaultPayloadConverter.toPayload({ traceparent });

/** A workflow that was started with these headers, and what its calls would be sent with. */
async function start(headers: Headers) {
  const { inbound: inbounds, outbound: outbounds } = interceptors();
  const inbound = inbounds?.at(0);
  const outbound = outbounds?.at(0);
  await inbound?.execute?.({ args: [], headers }, () => Promise.resolve());
  const sent: Headers[] = [];
  const keep = ({ headers }: { headers: Headers }) => {
    sent.push(headers);
    return Promise.resolve();
  };
  const given = { headers: { other: defaultPayloadConverter.toPayload(1) } } as never;
  await outbound?.scheduleActivity?.(given, keep);
  await outbound?.scheduleLocalActivity?.(given, keep);
  await outbound?.signalWorkflow?.(given, keep);
  const started = await outbound?.startChildWorkflowExecution?.(given, keep as never);
  expect(started).toBeUndefined();
  await outbound?.continueAsNew?.(given, keep as never);
  return { sent, ids: outbound?.getLogAttributes?.({ workflowId: 'session-1' }, (attributes) => attributes) };
}

describe('Inside the workflow sandbox', () => {
  test('the trace that started a workflow goes on to whatever it calls, and into its log lines (I4)', async () => {
    const { sent, ids } = await start({ '_tracer-data': trace });
    expect(sent).toHaveLength(5);
    for (const headers of sent) expect(headers).toEqual({ '_tracer-data': trace, other: expect.anything() });
    expect(ids).toEqual({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      workflowId: 'session-1',
    });
  });

  test('a workflow that was started without a trace calls without one (I4)', async () => {
    const { sent, ids } = await start({});
    for (const headers of sent) expect(Object.keys(headers)).toEqual(['other']);
    expect(ids).toEqual({ workflowId: 'session-1' });
  });

  test('a trace that cannot be read adds no ids to a line (I4)', async () => {
    expect((await start({ '_tracer-data': defaultPayloadConverter.toPayload({}) })).ids).toEqual({
      workflowId: 'session-1',
    });
  });
});
