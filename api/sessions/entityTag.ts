/**
 * The entity tag of everything that is read of a session is the number of the session's newest event: nothing of it
 * changes without one.
 */
export function entityTagOf(seq: number): string {
  return `"${seq}"`;
}

/** Whether the session still is what the header `If-Match` says; without the header it always is. */
export function stillMatches(seq: number, ifMatch: string | undefined): boolean {
  if (ifMatch === undefined) return true;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  return tags.includes('*') || tags.includes(entityTagOf(seq));
}
