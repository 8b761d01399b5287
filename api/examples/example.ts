/** What a call of a route looks like, for the OpenAPI document. */
export interface Example {
  /** Tells it from the others of its route; the only one needs none. */
  title?: string;
  request?: unknown;
  /** The data of the envelope, or the whole answer of a route whose answer has none. */
  answer: unknown;
  /** When it is answered, where that is not at the end of the story. */
  at?: string;
}

/** By route: `POST /v1/sessions`. */
export type Examples = Readonly<Record<string, Example | readonly Example[]>>;

const shownItems = 6;

/** The same with the first six items of each list, since a drawing has thousands of points. */
export function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, shownItems).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, shortened(inside)]));
}
