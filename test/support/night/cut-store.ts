import type { EntryDraft } from '../../../app/domain/entries.ts';
import type { Store } from '../../../app/storage/store.ts';

/** A power cut in the middle of one write: `before` it is durable, or `after` it is and before anybody knows. */
export type CutSide = 'before' | 'after';

/** A cart's mains switch: whoever arms it has the power fail at one of the ledger's next writes. */
export interface Mains {
  /** Cuts at the write that comes after `writes` others. */
  arm(writes: number, side: CutSide): void;
  /** Cuts now. */
  cut(): void;
  isCut(): boolean;
  /** Resolves when the power is gone. */
  readonly gone: Promise<void>;
  /** Writes that were begun. */
  writes(): number;
}

export interface WatchedStore {
  readonly store: Store;
  readonly mains: Mains;
}

/**
 * The ledger of one boot of the cart. After a cut no call of it ever comes back, as nothing does in a machine without power; `told` sees
 * what is about to be recorded, when it was decided, and how many writes came before.
 */
export function cutStore(store: Store, told: (draft: EntryDraft, writes: number) => void): WatchedStore {
  let armed: { left: number; readonly side: CutSide } | undefined;
  let isCut = false;
  let count = 0;
  let announce = (): void => undefined;
  const gone = new Promise<void>((resolve) => (announce = resolve));
  const cut = (): void => {
    isCut = true;
    announce();
  };
  const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
  const write = async <T>(act: () => Promise<T>): Promise<T> => {
    if (isCut) return never();
    count += 1;
    const due = armed !== undefined && (armed.left -= 1) < 0 ? armed.side : undefined;
    if (due === 'before') cut();
    if (isCut) return never();
    const done = await act();
    if (due === 'after') cut();
    return isCut ? never() : done;
  };
  return {
    store: {
      ...store,
      append: (drafts, options) => {
        if (!isCut) for (const draft of drafts) told(draft, count);
        return write(() => store.append(drafts, options));
      },
      checkpoint: () => write(() => store.checkpoint()),
      setMeta: (values) => write(() => store.setMeta(values)),
      setAcked: (size, cosignature, atMs) => write(() => store.setAcked(size, cosignature, atMs)),
    },
    mains: {
      arm: (writes, side) => {
        armed = { left: writes, side };
      },
      cut,
      isCut: () => isCut,
      gone,
      writes: () => count,
    },
  };
}
