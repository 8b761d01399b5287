import { at } from '../sequence.ts';
import { autocorrelationAt, differencesOf, lineOf, meanOf } from './statistics.ts';

/** The longest season that is looked for, in steps: a year of days, and a little more. */
const longestPeriod = 400;

/** Takes the straight line of least squares away, so that a trend is not mistaken for a season. */
function withoutLine(values: Float64Array): Float64Array {
  const { end, slope } = lineOf(values);
  return values.map((value, i) => value - (end - slope * (values.length - 1 - i)));
}

/** How like itself a series is at every lag up to the longest; 0 throughout for a constant one. */
function autocorrelations(centred: Float64Array, longest: number): Float64Array {
  const atLag = new Float64Array(longest + 1);
  let all = 0;
  for (const value of centred) all += value * value;
  if (all === 0) return atLag;
  for (let lag = 0; lag <= longest; lag++) {
    let together = 0;
    for (let i = lag; i < centred.length; i++) together += (centred[i] ?? NaN) * (centred[i - lag] ?? NaN);
    atLag[lag] = together / all;
  }
  return atLag;
}

/** The lags of the highest peaks. */
function peaksOf(correlations: Float64Array, count: number): number[] {
  const peaks: number[] = [];
  for (let lag = 2; lag < correlations.length - 1; lag++) {
    const value = at(correlations, lag);
    if (value > 0.05 && value > at(correlations, lag - 1) && value >= at(correlations, lag + 1)) peaks.push(lag);
  }
  return peaks.toSorted((a, b) => at(correlations, b) - at(correlations, a)).slice(0, count);
}

/**
 * The trend as a centred moving mean over one season, which no season of that length can move (for an even one, half a
 * step at each end); at both ends of the series it goes on in a straight line.
 */
function movingTrend(values: Float64Array, period: number): Float64Array {
  const { length } = values;
  const half = Math.floor(period / 2);
  const [from, to] = [half, length - 1 - half];
  if (to <= from) return new Float64Array(length).fill(meanOf(values));
  const sums = new Float64Array(length + 1);
  for (let i = 0; i < length; i++) sums[i + 1] = (sums[i] ?? NaN) + (values[i] ?? NaN);
  const endWeight = period % 2 === 0 ? 0.5 : 1;
  const trend = new Float64Array(length);
  for (let i = from; i <= to; i++) {
    const inner = (sums[i + half] ?? NaN) - (sums[i - half + 1] ?? NaN);
    trend[i] = (inner + endWeight * ((values[i - half] ?? NaN) + (values[i + half] ?? NaN))) / period;
  }
  const slope = (at(trend, to) - at(trend, from)) / (to - from);
  const [first, last] = [at(trend, from), at(trend, to)];
  for (let i = 0; i < from; i++) trend[i] = first - slope * (from - i);
  for (let i = to + 1; i < length; i++) trend[i] = last + slope * (i - to);
  return trend;
}

/** How well one season tells the next, as a correlation, and how far chance alone may bring it. */
function repetition(values: Float64Array, period: number): { strength: number; chance: number } {
  const trend = movingTrend(values, period);
  const rest = values.map((value, i) => value - (trend[i] ?? NaN));
  let [together, before, after] = [0, 0, 0];
  for (let i = period; i < rest.length; i++) {
    const [now, then] = [rest[i] ?? NaN, rest[i - period] ?? NaN];
    together += now * then;
    before += then * then;
    after += now * now;
  }
  const memory = Math.min(0.95, Math.max(0, autocorrelationAt(differencesOf(rest, period), 1)));
  const independent = ((rest.length - period) * (1 - memory)) / (1 + memory);
  return {
    strength: before > 0 && after > 0 ? together / Math.sqrt(before * after) : 0,
    chance: 1 / Math.sqrt(Math.max(1, independent)),
  };
}

/**
 * How many steps a season has; 1 where there is none. Looked at are the lags at which the series or its changes are most
 * like themselves, and those that the calendar suggests (a year of months), which need less evidence.
 */
export function findPeriod(values: Float64Array, calendar: readonly number[] = []): number {
  const longest = Math.min(longestPeriod, Math.floor(values.length / 2));
  if (longest < 2) return 1;
  const searched = [withoutLine(values), withoutLine(differencesOf(values))].flatMap((series) =>
    peaksOf(autocorrelations(series, Math.min(longest, series.length - 1)), 3),
  );
  const candidates = [...new Set([...calendar, ...searched])].filter((period) => period >= 2 && period <= longest);
  let [found, strongest] = [1, 0];
  for (const period of candidates.toSorted((a, b) => a - b)) {
    const { strength, chance } = repetition(values, period);
    const needed = calendar.includes(period) ? 0.1 + 1.65 * chance : 0.2 + 2.5 * chance;
    // A multiple of a season repeats as well as the season does: the shorter one is meant.
    if (strength > needed && strength > strongest * 1.1) [found, strongest] = [period, strength];
  }
  return found;
}

/**
 * What each place in the season adds to the trend, by the index in the series modulo the period. A long season that is
 * smooth as far as its noise lets one see is smoothed.
 */
export function seasonProfile(values: Float64Array, period: number): Float64Array {
  const profile = new Float64Array(period);
  if (period < 2 || values.length <= period) return profile;
  const trend = movingTrend(values, period);
  const counts = new Float64Array(period);
  for (let i = 0, place = 0; i < values.length; i++, place = (place + 1) % period) {
    profile[place] = (profile[place] ?? NaN) + (values[i] ?? NaN) - (trend[i] ?? NaN);
    counts[place] = (counts[place] ?? NaN) + 1;
  }
  for (let place = 0; place < period; place++) profile[place] = (profile[place] ?? NaN) / (counts[place] ?? NaN);
  const mean = meanOf(profile);
  for (let place = 0; place < period; place++) profile[place] = (profile[place] ?? NaN) - mean;
  if (period < 48) return profile;
  let noise = 0;
  values.forEach((value, i) => {
    noise += (value - (trend[i] ?? NaN) - (profile[i % period] ?? NaN)) ** 2;
  });
  const smooth = smoothed(profile, Math.floor(period / 24));
  let moved = 0;
  smooth.forEach((value, place) => (moved += (value - at(profile, place)) ** 2));
  const seasons = values.length / period;
  const noiseOfProfile = noise / Math.max(1, values.length - period) / seasons;
  return moved / period <= 2 * noiseOfProfile ? smooth : profile;
}

/** The mean over neighbours on both sides, round the ends. */
function smoothed(profile: Float64Array, neighbours: number): Float64Array {
  const { length } = profile;
  const width = 2 * neighbours + 1;
  let sum = 0;
  for (let i = -neighbours; i <= neighbours; i++) sum += at(profile, (i + length) % length);
  return profile.map((_, place) => {
    const mean = sum / width;
    sum += at(profile, (place + neighbours + 1) % length) - at(profile, (place - neighbours + length) % length);
    return mean;
  });
}

/** A series without what the places in its season add. */
export function withoutSeason(values: Float64Array, profile: Float64Array): Float64Array {
  const rest = new Float64Array(values.length);
  for (let i = 0, place = 0; i < rest.length; i++, place = (place + 1) % profile.length) {
    rest[i] = (values[i] ?? NaN) - (profile[place] ?? NaN);
  }
  return rest;
}
