import { meanOf } from '../domain/statistics.ts';
import { at } from './sequence.ts';

/** The share of items that something holds of. */
export function shareOf<T>(items: readonly T[], holds: (item: T, index: number) => boolean): number {
  return items.filter(holds).length / Math.max(1, items.length);
}

/** The value below which a share of the values lies, between neighbours by a straight line; values need not be sorted. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const low = at(sorted, Math.floor(position));
  const high = sorted[Math.ceil(position)] ?? low;
  return low + (high - low) * (position - Math.floor(position));
}

/** The middle value; between the middle two where their number is even. */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

export interface Claim {
  /** What was said. */
  readonly probability: number;
  /** What came true. */
  readonly right: boolean;
}

/** How far claimed probabilities lie from how often they came true, over ten bins (Naeini et al. 2015). */
export function expectedCalibrationError(claims: readonly Claim[]): number {
  const bins = Array.from({ length: 10 }, (_, bin) =>
    claims.filter(({ probability }) => Math.min(9, Math.floor(probability * 10)) === bin),
  );
  const gaps = bins.map((bin) => {
    const claimed = meanOf(bin.map(({ probability }) => probability));
    return bin.length * Math.abs(claimed - shareOf(bin, ({ right }) => right));
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, claims.length);
}

/** A claimed probability after its log odds were stretched and shifted. */
export function rescale(probability: number, [stretch = 1, shift = 0]: readonly number[]): number {
  const inside = Math.min(1 - 1e-6, Math.max(1e-6, probability));
  return 1 / (1 + Math.exp(-(stretch * Math.log(inside / (1 - inside)) + shift)));
}

/** The stretch and shift of log odds that make claims fit what came true, by log loss (Platt 1999), over a grid. */
export function findRescaling(claims: readonly Claim[]): [stretch: number, shift: number] {
  const lossAt = (scaling: readonly number[]) =>
    meanOf(
      claims.map(({ probability, right }) => {
        const scaled = rescale(probability, scaling);
        return -Math.log(Math.max(1e-9, right ? scaled : 1 - scaled));
      }),
    );
  let best: [stretch: number, shift: number] = [1, 0];
  let least = lossAt(best);
  for (let stretch = 0.3; stretch <= 3; stretch += 0.1) {
    for (let shift = -2; shift <= 2; shift += 0.1) {
      const loss = lossAt([stretch, shift]);
      if (loss < least) [best, least] = [[stretch, shift], loss];
    }
  }
  return best;
}

/** Pearson's correlation; 0 where one of the two does not vary. */
export function correlationOf(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [together, ofA, ofB] = [0, 0, 0];
  a.forEach((value, i) => {
    const [dA, dB] = [value - meanA, (b[i] ?? meanB) - meanB];
    together += dA * dB;
    ofA += dA * dA;
    ofB += dB * dB;
  });
  return ofA > 0 && ofB > 0 ? together / Math.sqrt(ofA * ofB) : 0;
}
