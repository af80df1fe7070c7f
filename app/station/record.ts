import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import type { AppendOptions } from '../storage/store.ts';
import type { StationContext } from './state.ts';

/** Intent before act: resolves with the entries once they are durable, or with nothing while the ledger cannot write. */
export type Record = (drafts: readonly EntryDraft[], options?: AppendOptions) => Promise<readonly RecordedEntry[] | undefined>;

export function createRecord({ deps, state }: StationContext): Record {
  return async (drafts, options) => {
    if (drafts.length === 0 && !options?.meta) return [];
    const appended = await deps.store.append(drafts, options);
    if (appended.ok) {
      if (state.ledgerFailing) deps.log({ level: 'info', what: 'the ledger can write again' });
      state.ledgerFailing = false;
      return appended.value;
    }
    if (!state.ledgerFailing) deps.log({ level: 'error', what: 'the ledger cannot write; nothing is released until it can', reason: appended.reason });
    state.ledgerFailing = true;
    return undefined;
  };
}
