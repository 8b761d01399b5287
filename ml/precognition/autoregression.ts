import { at } from '../sequence.ts';
import { meanOf } from './statistics.ts';

const mostLags = 6;

/**
 * The weights of the last values (newest first) in an autoregression around the mean, by Burg's method (1975), which is
 * stable; how many, by Akaike's criterion.
 */
function weightsOf(centred: Float64Array): readonly number[] {
  const { length } = centred;
  const [forward, backward] = [centred.slice(), centred.slice()];
  let power = 0;
  for (const value of centred) power += value * value;
  if (power === 0) return [];
  let error = power / length;
  let weights: number[] = [];
  let best = { criterion: length * Math.log(error), weights };
  for (let order = 1; order <= Math.min(mostLags, Math.floor(length / 4)); order++) {
    let [together, apart] = [0, 0];
    for (let i = order; i < length; i++) {
      const [ahead, behind] = [forward[i] ?? NaN, backward[i - 1] ?? NaN];
      together += ahead * behind;
      apart += ahead * ahead + behind * behind;
    }
    const reflection = apart > 0 ? (2 * together) / apart : 0;
    for (let i = length - 1; i >= order; i--) {
      const [ahead, behind] = [forward[i] ?? NaN, backward[i - 1] ?? NaN];
      forward[i] = ahead - reflection * behind;
      backward[i] = behind - reflection * ahead;
    }
    weights = [...weights.map((weight, k) => weight - reflection * at(weights, order - 2 - k)), reflection];
    error *= 1 - reflection * reflection;
    if (error <= 0) return weights;
    const criterion = length * Math.log(error) + 2 * order;
    if (criterion < best.criterion) best = { criterion, weights };
  }
  return best.weights;
}

/** Goes on with a series as its last values have so far told the next one: cycles, momentum, the way back to the mean. */
export function autoregress(values: Float64Array, horizon: number): Float64Array {
  const mean = meanOf(values);
  const centred = new Float64Array(values.length);
  for (let i = 0; i < centred.length; i++) centred[i] = (values[i] ?? NaN) - mean;
  const weights = weightsOf(centred);
  const known = Array.from(centred.subarray(-mostLags)).reverse();
  const ahead = new Float64Array(horizon);
  for (let i = 0; i < horizon; i++) {
    const next = weights.reduce((sum, weight, k) => sum + weight * (known[k] ?? 0), 0);
    known.unshift(next);
    known.length = Math.min(known.length, mostLags);
    ahead[i] = mean + next;
  }
  return ahead;
}
