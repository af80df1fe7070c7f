import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface StateFile {
  /** Saves soon: at most `withinMs` from now, several changes at once. */
  touch(): void;
  /** Saves now and waits for the disk. */
  flush(): Promise<void>;
  /** Saves a last time; later changes are not saved. */
  close(): Promise<void>;
}

/** Keeps what `take()` gives in one JSON file: whole or not at all, on the disk before the name points to it. */
export function stateFile<T>(path: string, take: () => T, failed: (error: unknown) => void, withinMs = 150): StateFile {
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  async function write(): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeDurably(path, JSON.stringify(take()), 0o600);
  }
  function save(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }
  return {
    touch() {
      if (closed) return;
      timer ??= setTimeout(() => {
        save().catch((error: unknown) => {
          writing = Promise.resolve();
          failed(error);
        });
      }, withinMs);
    },
    flush: save,
    close() {
      closed = true;
      return save();
    },
  };
}

/** Writes beside, syncs, renames, syncs the folder. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The saved JSON; undefined where there is none yet. Throws where there is one that cannot be read. */
export async function readState(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`the simulator's saved state ${path} cannot be read: ${String(error)}. Move it away to start with a fresh cart.`);
  }
}
