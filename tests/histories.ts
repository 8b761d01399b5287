/** Everything of a history as text, the bytes of its payloads read as what they say. */
export function asText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
    // The bytes themselves: what JSON is given of a Buffer is a list of numbers already.
    const held = this[key];
    return held instanceof Uint8Array ? Buffer.from(held).toString('utf8') : shown;
  });
}
