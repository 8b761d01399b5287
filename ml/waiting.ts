/** What waits in a queue: `key` says which may go together. */
export interface Waiter {
  readonly key: string;
  readonly arrivedAtMs: number;
}

/** Requests in the order of their arrival, taken together by their key. */
export class Waiting<T extends Waiter> {
  readonly #queues = new Map<string, T[]>();

  add(waiter: T): void {
    const queue = this.#queues.get(waiter.key);
    if (queue === undefined) this.#queues.set(waiter.key, [waiter]);
    else queue.push(waiter);
  }

  /** Takes up to `most` of one key: that of whoever has waited the longest. Empty when nobody waits. */
  take(most: number): T[] {
    let oldest: T | undefined;
    for (const [first] of this.#queues.values()) {
      if (first !== undefined && (oldest === undefined || first.arrivedAtMs < oldest.arrivedAtMs)) oldest = first;
    }
    const queue = oldest === undefined ? undefined : this.#queues.get(oldest.key);
    if (queue === undefined) return [];
    const taken = queue.splice(0, most);
    this.#forgetEmpty(taken);
    return taken;
  }

  /** Takes one out, if it still waits. */
  remove(waiter: T): void {
    const queue = this.#queues.get(waiter.key) ?? [];
    const place = queue.indexOf(waiter);
    if (place !== -1) queue.splice(place, 1);
    this.#forgetEmpty([waiter]);
  }

  #forgetEmpty(waiters: readonly T[]): void {
    for (const { key } of waiters) if (this.#queues.get(key)?.length === 0) this.#queues.delete(key);
  }
}
