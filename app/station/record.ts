import type { EntryDraft, RecordedEntry } from '../domain/entries.ts';
import type { AppendOptions } from '../storage/store.ts';
import type { StationContext } from './state.ts';

/** Intent before act: resolves with the entries once they are durable, or with nothing while the ledger cannot write. */
export type Record = (drafts: readonly EntryDraft[], options?: AppendOptions) => Promise<readonly RecordedEntry[] | undefined>;

export function createRecord({ deps, state }: StationContext): Record {
  return async (drafts, options) => {
    if (drafts.length === 0 && !options?.meta) return [];
    // Whatever could not be recorded happened before this: the ledger says first that it has a gap.
    const gap: readonly EntryDraft[] = state.unrecordedSinceMs === undefined ? [] : [{ type: 'recording-resumed', body: { gapMs: Math.max(0, Math.floor(deps.clock.monoMs() - state.unrecordedSinceMs)) } }];
    const appended = await deps.store.append([...gap, ...drafts], options);
    if (appended.ok) {
      state.unrecordedSinceMs = undefined;
      if (state.ledgerFailing) deps.log({ level: 'info', what: 'the ledger can write again' });
      state.ledgerFailing = false;
      return appended.value.slice(gap.length);
    }
    if (!state.ledgerFailing) deps.log({ level: 'error', what: 'the ledger cannot write; nothing is released until it can', reason: appended.reason });
    state.ledgerFailing = true;
    state.unrecorded = true;
    state.unrecordedSinceMs ??= deps.clock.monoMs();
    return undefined;
  };
}
