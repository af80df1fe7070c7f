import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import type { AppendOptions } from '../storage/store.ts';
import type { StationContext } from './state.ts';

/** A checkpoint at the latest after this many entries. */
const CHECKPOINT_EVERY = 64;

/** Intent before act: resolves with the entries once they are durable, or with nothing while the ledger cannot write. */
export type Record = (drafts: readonly EntryDraft[], options?: AppendOptions) => Promise<readonly RecordedEntry[] | undefined>;

export function createRecord({ deps, state }: StationContext): Record {
  return async (drafts, options) => {
    if (drafts.length === 0 && !options?.meta) return [];
    const uncovered = deps.store.size() + drafts.length - (deps.store.latestCheckpoint()?.size ?? 0);
    const signed = uncovered < CHECKPOINT_EVERY ? drafts : drafts.map((draft, n) => (n === drafts.length - 1 ? { ...draft, covered: true } : draft));
    const appended = await deps.store.append(signed, options);
    if (appended.ok) {
      if (state.ledgerFailing) deps.log({ level: 'info', what: 'the ledger can write again' });
      state.ledgerFailing = false;
      return appended.value;
    }
    if (!state.ledgerFailing) deps.log({ level: 'error', what: 'the ledger cannot write; nothing is released until it can', reason: appended.reason });
    state.ledgerFailing = true;
    state.unrecorded = true;
    return undefined;
  };
}
