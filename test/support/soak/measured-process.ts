/** Loaded before the station and before its device host: on SIGUSR2 the process collects its garbage and writes what it then holds. */
import { renameSync, writeFileSync } from 'node:fs';
import { memoryFile } from './memory-file.ts';

process.on('SIGUSR2', () => {
  collect();
  // What finalizers let go is garbage only now.
  setImmediate(() => {
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const file = memoryFile(process.pid);
    writeFileSync(`${file}.half`, JSON.stringify({ rss, heldBytes: heapUsed + external }));
    renameSync(`${file}.half`, file);
  });
});

/** As when memory runs out: V8 gives back the pages that it keeps for a young generation which has grown under load, ten times what is held. */
function collect(): void {
  if (globalThis.gc === undefined) throw new Error('--expose-gc is missing');
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
