import { refused } from '../../app/domain/result.ts';
import type { Store } from '../../app/storage/store.ts';

/** A disk that a test fills and empties; what the ledger does then is storage's own test (test/storage/full-disk.test.ts). */
export interface Disk {
  full: boolean;
  /** What a change of the ledger's key waits for. */
  holds?: Promise<void>;
}

export function onDisk(store: Store, disk: Disk): Store {
  const noSpace = Promise.resolve(refused('no-space' as const));
  return {
    ...store,
    append: (drafts, options) => (disk.full ? noSpace : store.append(drafts, options)),
    rotateKey: async (next, options) => {
      await disk.holds;
      return disk.full ? noSpace : store.rotateKey(next, options);
    },
    checkpoint: () => (disk.full ? noSpace : store.checkpoint()),
    setAcked: (size, cosignature, atMs) => (disk.full ? noSpace : store.setAcked(size, cosignature, atMs)),
    setMeta: (values) => (disk.full ? noSpace : store.setMeta(values)),
  };
}
