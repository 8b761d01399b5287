import type { Model } from '../model.ts';
import { oneByOne } from '../oneByOne.ts';
import { compute, entry, stackRows, tensorOf, toLive } from '../tensors.ts';
import { encodeSeries, forecastQuantiles } from './network.ts';
import { report } from './report.ts';
import { evenOut } from './rhythm.ts';

export const precognition: Model<'precognition'> = {
  sessionType: 'precognition',
  architecture: 1,
  encode({ impressions: { series, horizon } }) {
    const steps = Array.from({ length: horizon }, (_, i) => i + 1);
    return stackRows(series.map((one) => encodeSeries(evenOut(one).values, steps, horizon)));
  },
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    const calibration = tensorOf([1, 2], entry(weights, 'calibration').values);
    return oneByOne(async (inputs) => ({
      ...(await compute(tf, inputs, (session) => ({ quantiles: forecastQuantiles(tf, live, session) }))),
      calibration,
    }));
  },
  observe: () => ({}),
  report: ({ input: { impressions }, outputs, model }) => [report(impressions, outputs, model)],
  example: {
    impressions: {
      series: [{ name: 'a', times: ['2026-01-01', '2026-01-02', '2026-01-03'], values: [1, 2, 1] }],
      horizon: 2,
    },
  },
};
