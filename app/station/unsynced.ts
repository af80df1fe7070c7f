import type { StationContext } from './state.ts';

/** Keeps in the state when the oldest entry that the server has not cosigned was written; one read of the ledger whenever that entry is another. */
export async function noteUnsynced({ deps, state }: StationContext): Promise<void> {
  const { store } = deps;
  const seq = store.acked().size;
  if (state.unsynced?.seq === seq) return;
  const [oldest] = seq < store.size() ? await store.recorded(seq, 1) : [];
  state.unsynced = oldest && { seq, atMs: oldest.atMs };
}
