/** Entity tags (RFC 9110, 8.8.3) and the conditions that clients make with them. */

/**
 * The tag of everything that is read of a session: the number of the session's newest event, without which nothing of
 * it changes.
 */
export function entityTagOf(seq: number): string {
  return `"${seq}"`;
}

/** Whether a thing under this tag still is what the header `If-Match` says; without the header it always is. */
export function stillMatches(tag: string, ifMatch: string | undefined): boolean {
  return ifMatch === undefined || tagsOf(ifMatch).some((known) => known === '*' || known === tag);
}

/** Whether the client has what stands under this tag already. A proxy that compresses makes a tag weak on its way. */
export function isKnown(tag: string, ifNoneMatch: string | undefined): boolean {
  return (
    ifNoneMatch !== undefined && tagsOf(ifNoneMatch).some((known) => known === '*' || known.replace(/^W\//, '') === tag)
  );
}

function tagsOf(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}
