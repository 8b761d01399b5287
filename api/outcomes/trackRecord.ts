import { betterScores, type Scorecard } from '../../domain/scoring.ts';
import { sessionTypes, type SessionType } from '../../domain/session.ts';
import { calibrationCurve, hitRecord, meanScores } from '../../domain/trackRecord.ts';
import type { RecordView, TrackRecordView } from './schemas.ts';

const note =
  'It covers the sessions whose outcome was recorded, and says how they went beside what chance alone would give. ' +
  'A small p is no proof: whoever looks often, at several types, or records the outcomes that pleased, finds one sooner or later. ' +
  'Only a number of sessions and a test that were fixed beforehand count as a study.';

/** What a person's scored sessions come to, by type and together. */
export function trackRecordOf(scored: readonly { sessionType: SessionType; scorecard: Scorecard }[]): TrackRecordView {
  const bySessionType = sessionTypes.flatMap((sessionType) => {
    const own = scored.filter((session) => session.sessionType === sessionType);
    return own.length === 0 ? [] : [{ sessionType, ...recordOf(own.map(({ scorecard }) => scorecard)) }];
  });
  return { bySessionType, together: recordOf(scored.map(({ scorecard }) => scorecard)), note };
}

function recordOf(scorecards: readonly Scorecard[]): RecordView {
  const { trials, hits, expectedByChance, p, rate, interval } = hitRecord(
    scorecards.flatMap(({ trial }) => (trial === null ? [] : [trial])),
  );
  return {
    sessions: scorecards.length,
    trials,
    hits,
    expectedByChance,
    p,
    hitRate: rate,
    hitRateInterval: interval,
    scores: meanScores(scorecards.map(({ scores }) => scores)).map((score) => ({
      ...score,
      better: betterScores[score.name],
    })),
    calibration: calibrationCurve(scorecards.flatMap(({ claim }) => (claim === null ? [] : [claim]))),
  };
}
