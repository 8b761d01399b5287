/**
 * Makes a switch over a union exhaustive: the compiler refuses a call that can be reached.
 *
 * @throws Error when data that the types did not foresee arrives all the same.
 */
export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
