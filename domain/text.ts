/** For `.refine(...storable)`: text that PostgreSQL can hold. Neither its `text` nor its `jsonb` stores a NUL. */
export const storable = [(text: string) => !text.includes('\u0000'), 'must not contain NUL'] as const;
