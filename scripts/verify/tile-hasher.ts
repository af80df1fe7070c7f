import { Worker } from 'node:worker_threads';
import type { TileHashes } from '../../app/ledger/tiles.ts';

interface Hasher {
  readonly worker: Worker;
  /** Those who wait, in the order in which they asked. */
  readonly waiting: PromiseWithResolvers<TileHashes>[];
}

let hasher: Hasher | undefined;

/**
 * Hashes the entries of an entry bundle on a second processor, while the caller reads them: half of an audit is hashing.
 * Rejects where no thread can be started or it dies. Holds the process open only while somebody waits.
 */
export function hashBeside(bundle: Uint8Array): Promise<TileHashes> {
  const { worker, waiting } = (hasher ??= startHasher());
  const answer = Promise.withResolvers<TileHashes>();
  waiting.push(answer);
  worker.ref();
  // A copy of its own: what is handed over is gone here, and the bundle is part of a larger buffer.
  const own = new Uint8Array(bundle);
  worker.postMessage(own, [own.buffer]);
  return answer.promise;
}

function startHasher(): Hasher {
  const started: Hasher = { worker: new Worker(new URL('./tile-hash-worker.ts', import.meta.url), { execArgv: [] }), waiting: [] };
  const { worker, waiting } = started;
  worker.on('message', (hashes: TileHashes) => {
    waiting.shift()?.resolve(hashes);
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', (error: Error) => {
    hasher = undefined;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return started;
}
