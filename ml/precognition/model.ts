import { meanOf } from '../../domain/statistics.ts';
import type { Model } from '../model.ts';
import { at } from '../sequence.ts';
import { compute, entry, type NamedTensors, stackRows, takeRows, tensorOf, toLive } from '../tensors.ts';
import { rowLength } from './distribution.ts';
import { encodeSeries, readSeries } from './encode.ts';
import { endOf } from './expectation.ts';
import { forecastParts } from './network.ts';
import { expectationsOf, report } from './report.ts';

/** How many steps go through the network at once: enough to keep it busy, few enough for memory. */
const stepsAtOnce = 16_384;

function stepsOf(session: NamedTensors): number {
  return at(entry(session, 'unit').shape, 0);
}

export const precognition: Model<'precognition'> = {
  sessionType: 'precognition',
  architecture: 2,
  encode: ({ impressions: { series, horizon } }) =>
    stackRows(series.map((one) => encodeSeries(readSeries(one), horizon))),
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return async (sessions) => {
      const inputs = stackRows(sessions);
      const steps = sessions.reduce((sum, session) => sum + stepsOf(session), 0);
      const parts = new Float32Array(steps * rowLength);
      for (let from = 0; from < steps; from += stepsAtOnce) {
        const order = Array.from({ length: Math.min(stepsAtOnce, steps - from) }, (_, i) => from + i);
        const answer = await compute(tf, takeRows(inputs, order), (batch) => ({
          parts: tf.mul(forecastParts(tf, live, batch), entry(live, 'calibration')),
        }));
        parts.set(entry(answer, 'parts').values, from * rowLength);
      }
      let read = 0;
      return sessions.map((session) => {
        const own = stepsOf(session);
        const rows = parts.subarray(read * rowLength, (read + own) * rowLength);
        read += own;
        return { parts: tensorOf([own, rowLength], rows) };
      });
    };
  },
  observe({ input: { impressions }, inputs, outputs }) {
    const expectations = expectationsOf(impressions, inputs, outputs);
    const { horizon } = impressions;
    const meanOver = (of: (one: (typeof expectations)[number]) => number) => meanOf(expectations.map(of));
    return {
      series: expectations.length,
      length: meanOver(({ known }) => known.values.length),
      period: meanOver(({ known }) => known.period),
      horizon,
      error: meanOf(Array.from(entry(inputs, 'unit').values)),
      confidence: meanOver(({ known, expected }) => endOf(expected, known.last, horizon).probability),
    };
  },
  report: ({ input: { impressions }, inputs, outputs, model }) => [report(impressions, inputs, outputs, model)],
  example: {
    impressions: {
      series: [{ name: 'a', times: ['2026-01-01', '2026-01-02', '2026-01-03'], values: [1, 2, 1] }],
      horizon: 2,
    },
  },
};
