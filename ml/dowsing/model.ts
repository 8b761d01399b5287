import type { DowsingAnswerImpressions, DowsingImpressions } from '../../domain/impressions.ts';
import type { Model } from '../model.ts';
import { oneByOne } from '../oneByOne.ts';
import { compute, toLive } from '../tensors.ts';
import { encodeAnswer, predictAnswer, reportAnswer } from './answer.ts';
import { encodeLocation, predictLocation, reportLocation } from './location.ts';

function asksForAnswer(impressions: DowsingImpressions): impressions is DowsingAnswerImpressions {
  return 'trace' in impressions;
}

export const dowsing: Model<'dowsing'> = {
  sessionType: 'dowsing',
  architecture: 1,
  encode({ impressions }) {
    return asksForAnswer(impressions) ? encodeAnswer(impressions) : encodeLocation(impressions);
  },
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    return oneByOne((inputs) =>
      compute(tf, inputs, (session) =>
        session.features === undefined ? predictLocation(tf, live, session) : predictAnswer(tf, live, session),
      ),
    );
  },
  observe: () => ({}),
  report({ input: { impressions }, outputs, model }) {
    return [
      asksForAnswer(impressions)
        ? reportAnswer(impressions, outputs, model)
        : reportLocation(impressions, outputs, model),
    ];
  },
  example: {
    impressions: {
      question: 'Is there water?',
      region: { west: 7, south: 46, east: 8, north: 47 },
      points: [{ lon: 7.5, lat: 46.5 }],
    },
  },
};
