/**
 * Asks again until the session is accepted, and gives its id. Under a key that is safe, whatever happened to the answers
 * before.
 *
 * @throws what the last try threw, once `patienceMs` are over.
 */
export async function untilAccepted(create: () => Promise<{ id: string }>, patienceMs: number): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return (await create()).id;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
