import { parentPort } from 'node:worker_threads';
import { hashEntries } from '../../app/ledger/tiles.ts';

/** The other end of `tile-hasher.ts`: an entry bundle in, the hashes of its entries out, in order. */
parentPort?.on('message', (bundle: Uint8Array<ArrayBuffer>) => {
  const { leaves, root } = hashEntries(Buffer.from(bundle.buffer));
  parentPort?.postMessage({ leaves, root }, [leaves.buffer]);
});
