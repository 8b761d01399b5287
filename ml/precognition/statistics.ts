/** Plain statistics of a series, in typed arrays: they are taken of every stretch of every series. */

export function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The middle value; between the middle two where their number is even. */
export function medianOf(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** The least and the greatest value; infinite where there is none. */
export function rangeOf(values: Float64Array): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** The straight line of least squares, by its value at the last step and its slope. */
export function lineOf(values: Float64Array): { end: number; slope: number } {
  const half = (values.length - 1) / 2;
  let [together, spread] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    together += (i - half) * (values[i] ?? NaN);
    spread += (i - half) ** 2;
  }
  const slope = spread > 0 ? together / spread : 0;
  return { end: meanOf(values) + slope * half, slope };
}

/** What changes over a lag. */
export function differencesOf(values: Float64Array, lag = 1): Float64Array {
  const differences = new Float64Array(Math.max(0, values.length - lag));
  for (let i = 0; i < differences.length; i++) differences[i] = (values[i + lag] ?? NaN) - (values[i] ?? NaN);
  return differences;
}

/** The autocorrelation at one lag, around the mean; 0 for a constant series and for one that is too short. */
export function autocorrelationAt(values: Float64Array, lag: number): number {
  if (values.length <= lag + 1) return 0;
  const mean = meanOf(values);
  let [together, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const here = (values[i] ?? NaN) - mean;
    all += here * here;
    if (i >= lag) together += here * ((values[i - lag] ?? NaN) - mean);
  }
  return all > 0 ? together / all : 0;
}
