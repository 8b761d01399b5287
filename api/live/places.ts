/**
 * How many connections each account holds on this gateway: what they cost is this process's memory, so each process
 * counts its own, and whatever becomes of one, nothing is left that would keep anybody out of another.
 */
export interface Places {
  /** Says false where the account holds as many as it may. */
  take(userId: string, most: number): boolean;
  free(userId: string): void;
}

export function createPlaces(): Places {
  const taken = new Map<string, number>();
  return {
    take(userId, most) {
      const before = taken.get(userId) ?? 0;
      if (before >= most) return false;
      taken.set(userId, before + 1);
      return true;
    },
    free(userId) {
      const left = (taken.get(userId) ?? 0) - 1;
      if (left > 0) taken.set(userId, left);
      else taken.delete(userId);
    },
  };
}
