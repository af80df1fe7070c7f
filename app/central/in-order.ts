/**
 * Waits for statements that were sent one after the other on a transaction's client, which takes them without waiting for answers.
 * Settles when all of them have, so that none comes after the transaction's end; fails as the first of them that failed.
 */
export async function inOrder(sent: readonly Promise<unknown>[]): Promise<void> {
  for (const each of await Promise.allSettled(sent)) if (each.status === 'rejected') throw each.reason;
}
