import type { Tensor } from '@tensorflow/tfjs';
import type { DowsingAnswerImpressions, DowsingImpressions } from '../../domain/impressions.ts';
import { bestShare } from '../../domain/scoring.ts';
import type { Model } from '../model.ts';
import { at } from '../sequence.ts';
import {
  compute,
  entry,
  firstRow,
  type LiveTensors,
  type NamedTensors,
  splitRows,
  stackRows,
  type Tf,
  toLive,
} from '../tensors.ts';
import { encodeAnswer, predictAnswers, readingOf, reportAnswer } from './answer.ts';
import { gridOf } from './grid.ts';
import { encodeLocation, predictLocations, probabilityWithin, rankCells, reportLocation } from './location.ts';

function asksForAnswer(impressions: DowsingImpressions): impressions is DowsingAnswerImpressions {
  return 'trace' in impressions;
}

function isAnswer(inputs: NamedTensors): boolean {
  return inputs.features !== undefined;
}

export const dowsing: Model<'dowsing'> = {
  sessionType: 'dowsing',
  architecture: 2,
  encode({ impressions }) {
    return asksForAnswer(impressions) ? encodeAnswer(impressions) : encodeLocation(impressions);
  },
  load({ tf }, weights) {
    const live = toLive(tf, weights);
    const spreads = entry(weights, 'answer/spreads');
    return async (sessions) => {
      const outputs = new Map<NamedTensors, NamedTensors>();
      const answers = sessions.filter(isAnswer);
      const read = await together(tf, answers, (inputs) => predictAnswers(tf, live, inputs));
      answers.forEach((session, i) => outputs.set(session, { ...at(read, i), spreads }));
      const searches = sessions.filter((session) => !isAnswer(session));
      const found = await together(tf, searches, (inputs) => predictLocations(tf, live, inputs));
      searches.forEach((session, i) => outputs.set(session, at(found, i)));
      return sessions.map((session) => outputs.get(session) ?? {});
    };
  },
  observe({ input: { impressions }, outputs }) {
    if (asksForAnswer(impressions)) {
      const { points, calibration } = impressions.trace;
      const { yes, unclear } = readingOf(outputs);
      return { tracePoints: points.length, calibrated: calibration === undefined ? 0 : 1, yes, unclear };
    }
    const ranked = rankCells(gridOf(impressions.region), firstRow(entry(outputs, 'cells')));
    const places = 'points' in impressions ? impressions.points : impressions.sweeps.flatMap(({ points }) => points);
    return { searchPoints: places.length, bestTenth: probabilityWithin(ranked, bestShare) };
  },
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

/** Computes sessions on top of each other and parts what comes out. */
async function together(
  tf: Tf,
  sessions: readonly NamedTensors[],
  network: (inputs: LiveTensors) => Record<string, Tensor>,
): Promise<NamedTensors[]> {
  if (sessions.length === 0) return [];
  const rowCounts = sessions.map((session) => at(Object.values(session)[0]?.shape ?? [], 0));
  return splitRows(await compute(tf, stackRows(sessions), network), rowCounts);
}
