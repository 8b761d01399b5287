/**
 * How many connections each account, or each link, holds on this gateway: what they cost is this process's memory, so
 * each process counts its own, and whatever becomes of one, nothing is left that would keep anybody out of another.
 */
export interface Places {
  /** Says false where it holds as many as it may. */
  take(holder: string, most: number): boolean;
  free(holder: string): void;
}

/** One for a process, whose places are all free at first. */
export function createPlaces(): Places {
  const taken = new Map<string, number>();
  return {
    take(holder, most) {
      const before = taken.get(holder) ?? 0;
      if (before >= most) return false;
      taken.set(holder, before + 1);
      return true;
    },
    free(holder) {
      const left = (taken.get(holder) ?? 0) - 1;
      if (left > 0) taken.set(holder, left);
      else taken.delete(holder);
    },
  };
}
