const firstDelayMs = 500;
const longestDelayMs = 30_000;
const healthyAfterMs = 60_000;

/**
 * How long to wait before a process that died is started again: half a second, doubling to thirty seconds, and from the
 * beginning once a run has lasted a minute.
 */
export class Backoff {
  #failures = 0;

  /**
   * @param {number} ranForMs how long the run that just ended had lasted
   * @returns {number} milliseconds to wait
   */
  next(ranForMs) {
    if (ranForMs >= healthyAfterMs) this.#failures = 0;
    const delayMs = Math.min(firstDelayMs * 2 ** this.#failures, longestDelayMs);
    this.#failures += 1;
    return delayMs;
  }
}
