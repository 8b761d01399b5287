import type { Claim, Score, ScoreName, Trial } from './scoring.ts';
import { meanOf } from './statistics.ts';

/**
 * What a person's scored sessions come to together. Nothing in it is evidence of anything but of how sessions went:
 * whoever looks often, or at many groups of sessions, finds a small p sooner or later.
 */

/** Hits and misses against what chance alone would give. */
interface HitRecord {
  readonly trials: number;
  readonly hits: number;
  readonly expectedByChance: number;
  /**
   * How likely chance alone is to give so many hits or more (upper tail, exact); 1 where there is no trial.
   */
  readonly p: number;
  readonly rate: number | null;
  /** The 95% interval of the rate; null where there is no trial. */
  readonly interval: [low: number, high: number] | null;
}

/** The hits among trials, each of which has its own chance. */
export function hitRecord(trials: readonly Trial[]): HitRecord {
  const hits = trials.filter(({ hit }) => hit).length;
  return {
    trials: trials.length,
    hits,
    expectedByChance: trials.reduce((sum, { chance }) => sum + chance, 0),
    p: upperTail(
      trials.map(({ chance }) => chance),
      hits,
    ),
    rate: trials.length > 0 ? hits / trials.length : null,
    interval: trials.length > 0 ? wilsonInterval(hits, trials.length) : null,
  };
}

/**
 * The probability of at least so many successes in trials of these chances: the Poisson binomial distribution, by
 * convolution, since no two sessions need have the same chance (Wang 1993).
 */
export function upperTail(chances: readonly number[], atLeast: number): number {
  const distribution = new Float64Array(chances.length + 1);
  distribution[0] = 1;
  chances.forEach((chance, trial) => {
    for (let hits = trial + 1; hits >= 0; hits--) {
      const oneLess = distribution[hits - 1] ?? 0;
      distribution[hits] = (distribution[hits] ?? 0) * (1 - chance) + oneLess * chance;
    }
  });
  return Math.min(
    1,
    distribution.subarray(atLeast).reduce((sum, probability) => sum + probability, 0),
  );
}

/** The 95% score interval of a share (Wilson 1927). */
export function wilsonInterval(hits: number, trials: number): [low: number, high: number] {
  const z = 1.959964;
  const share = hits / trials;
  const middle = share + z ** 2 / (2 * trials);
  const half = z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  const whole = 1 + z ** 2 / trials;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

interface CalibrationBin {
  /** The bin's claims lie from here … */
  readonly from: number;
  /** … to here. */
  readonly to: number;
  readonly count: number;
  readonly meanClaimed: number;
  readonly cameTrue: number;
}

const binCount = 10;

/** How often claims of about the same probability came true; bins without a claim are left out. */
export function calibrationCurve(claims: readonly Claim[]): CalibrationBin[] {
  const binOf = ({ claimed }: Claim) => Math.min(binCount - 1, Math.floor(claimed * binCount));
  return Array.from({ length: binCount }, (_, bin) => claims.filter((claim) => binOf(claim) === bin)).flatMap(
    (inside, bin) =>
      inside.length === 0
        ? []
        : [
            {
              from: bin / binCount,
              to: (bin + 1) / binCount,
              count: inside.length,
              meanClaimed: meanOf(inside.map(({ claimed }) => claimed)),
              cameTrue: meanOf(inside.map(({ cameTrue }) => (cameTrue ? 1 : 0))),
            },
          ],
  );
}

interface MeanScore {
  readonly name: ScoreName;
  readonly sessions: number;
  readonly mean: number;
  readonly chanceMean: number;
}

/** The mean of every score over the sessions that have it, beside the mean of chance's; each session counts once. */
export function meanScores(sessions: readonly (readonly Score[])[]): MeanScore[] {
  const perSession = sessions.flatMap((scores) =>
    [...Map.groupBy(scores, ({ name }) => name)].map(([name, own]) => ({
      name,
      value: meanOf(own.map(({ value }) => value)),
      chance: meanOf(own.map(({ chance }) => chance)),
    })),
  );
  return [...Map.groupBy(perSession, ({ name }) => name)].map(([name, all]) => ({
    name,
    sessions: all.length,
    mean: meanOf(all.map(({ value }) => value)),
    chanceMean: meanOf(all.map(({ chance }) => chance)),
  }));
}
