import { access, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The files of one SQLite database. The database goes first: a WAL left behind alone is recognised and refused by `openStore`. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'];

/**
 * Renames a database that cannot be read or continued, with what belongs to it, to `<path>.<why>-<time>` and changes no byte of it.
 * Returns the new path of the database. The time is ISO 8601 in its basic form: Windows allows no colons.
 */
export async function setAside(path: string, at: Date = new Date(), why: 'unreadable' | 'forked' = 'unreadable'): Promise<string> {
  const target = `${path}.${why}-${at.toISOString().replaceAll(/[-:]/g, '')}`;
  for (const suffix of SUFFIXES) {
    if (await exists(target + suffix)) throw new Error(`${target}${suffix} is already there; nothing was moved over it`);
  }
  for (const suffix of SUFFIXES) {
    if (await exists(path + suffix)) await rename(path + suffix, target + suffix);
  }
  await syncFolder(dirname(path));
  return target;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Makes the renames durable. Windows has no such call and needs none. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
