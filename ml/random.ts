/**
 * Numbers that only look random: the same seed gives the same stream on every machine, which is what makes a training
 * reproducible. The generator is sfc32 (Chris Doty-Humphrey, PractRand).
 */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#c = seed >>> 0;
    this.#b ^= Math.floor(seed / 2 ** 32) >>> 0;
    for (let i = 0; i < 12; i++) this.uniform();
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    const sum = (((this.#a + this.#b) >>> 0) + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return low + (high - low) * (sum / 2 ** 32);
  }

  /** A normal deviate by Box and Muller; `1 - u` keeps the logarithm finite. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A whole number in [low, high]. */
  int(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** @throws RangeError when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined) throw new RangeError('Nothing to pick from');
    return item;
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(0, i);
      const swapped = order[i] ?? i;
      order[i] = order[j] ?? j;
      order[j] = swapped;
    }
    return order;
  }
}
