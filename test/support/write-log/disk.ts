import type { Operation } from './record.ts';

/** The files that a power loss leaves, by name. */
export type Image = ReadonlyMap<string, Buffer>;

/** What a crash did to the operations that no sync had made durable. */
export interface Damage {
  pending: number;
  dropped: number;
  torn: number;
  /** Writes that reached the disk before one that was made earlier. */
  reordered: number;
  /** Names that were not in the folder, or still in it, because the folder had not been synced. */
  names: number;
}

export const noDamage = (): Damage => ({ pending: 0, dropped: 0, torn: 0, reordered: 0, names: 0 });

/**
 * A disk with a cache that forgets. It promises what POSIX promises and no more:
 * - a completed sync of a file makes everything done to that file before it durable, and nothing else;
 * - what was done since may be there or not, in any order, each write whole or by 512-byte sectors of the file;
 * - a file's name comes, and goes, for certain only with a sync of the folder.
 */
export interface Disk {
  apply(operation: Operation): void;
  /** What is left if the power goes now. Changes nothing: the disk can go on. */
  crash(random: () => number, damage: Damage): Image;
  /** What is there if only the process dies: every operation took effect. */
  survives(): Image;
}

type FileOperation = Extract<Operation, { kind: 'write' | 'truncate' }>;

interface File {
  durable: Buffer;
  size: number;
  pending: FileOperation[];
}

export const SECTOR_BYTES = 512;

export function createDisk(): Disk {
  const current = new Map<string, File>();
  /** Every file that the name may stand for after a crash, the durable one first. */
  const candidates = new Map<string, (File | undefined)[]>();
  const fileOf = (name: string): File => {
    const file = current.get(name);
    if (file === undefined) throw new Error(`the record writes to ${name}, which it never created`);
    return file;
  };
  const bind = (name: string, file: File | undefined): void => {
    candidates.set(name, [...(candidates.get(name) ?? [undefined]), file]);
    if (file === undefined) current.delete(name);
    else current.set(name, file);
  };

  return {
    apply(operation) {
      switch (operation.kind) {
        case 'write':
        case 'truncate':
          fileOf(operation.name).pending.push(operation);
          return;
        case 'sync': {
          const file = fileOf(operation.name);
          for (const pending of file.pending.splice(0)) perform(file, pending);
          return;
        }
        case 'create':
          bind(operation.name, { durable: Buffer.alloc(0), size: 0, pending: [] });
          return;
        case 'unlink':
          bind(operation.name, undefined);
          return;
        case 'sync-folder':
          for (const name of candidates.keys()) candidates.set(name, [current.get(name)]);
          return;
        case 'mark':
          return;
      }
    },
    crash(random, damage) {
      const image = new Map<string, Buffer>();
      for (const [name, files] of candidates) {
        const file = files[Math.floor(random() * files.length)];
        if (file !== current.get(name)) damage.names += 1;
        if (file !== undefined) image.set(name, crashed(file, random, damage));
      }
      return image;
    },
    survives: () => new Map(Array.from(current, ([name, file]) => [name, whole(file)])),
  };
}

const copyOf = (file: File, pending: FileOperation[]): File => ({ durable: Buffer.from(file.durable.subarray(0, file.size)), size: file.size, pending });

function whole(file: File): Buffer {
  const copy = copyOf(file, []);
  for (const operation of file.pending) perform(copy, operation);
  return copy.durable.subarray(0, copy.size);
}

function crashed(file: File, random: () => number, damage: Damage): Buffer {
  const copy = copyOf(file, []);
  // Some crashes lose nearly everything, some nearly nothing; the rest lie between.
  const losing = random() < 0.3 ? random() * 0.1 : random() < 0.3 ? 1 - random() * 0.1 : random();
  const tearing = random() * 0.5;
  const shuffled = random() < 0.7;
  const kept: { readonly order: number; readonly operation: FileOperation }[] = [];
  damage.pending += file.pending.length;
  for (const [order, operation] of file.pending.entries()) {
    if (random() < losing) damage.dropped += 1;
    else kept.push({ order, operation });
  }
  if (shuffled) shuffle(kept, random);
  let newest = -1;
  for (const { order, operation } of kept) {
    if (order < newest) damage.reordered += 1;
    newest = Math.max(newest, order);
    if (operation.kind === 'write' && random() < tearing && tear(copy, operation, random)) damage.torn += 1;
    else perform(copy, operation);
  }
  return copy.durable.subarray(0, copy.size);
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let left = items.length - 1; left > 0; left -= 1) {
    const at = Math.floor(random() * (left + 1));
    const [item] = items.splice(at, 1);
    if (item !== undefined) items.push(item);
  }
}

function perform(file: File, operation: FileOperation): void {
  if (operation.kind === 'truncate') {
    reserve(file, operation.size);
    file.durable.fill(0, Math.min(file.size, operation.size));
    file.size = operation.size;
    return;
  }
  place(file, operation.offset, operation.data);
}

function place(file: File, offset: number, data: Buffer): void {
  reserve(file, offset + data.length);
  data.copy(file.durable, offset);
  file.size = Math.max(file.size, offset + data.length);
}

/** Some of the sectors that the write touches, in pieces that end where the file's sectors end. False if there is only one. */
function tear(file: File, { offset, data }: Extract<FileOperation, { kind: 'write' }>, random: () => number): boolean {
  const pieces: (readonly [from: number, to: number])[] = [];
  for (let from = 0; from < data.length; ) {
    const to = Math.min(data.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
    pieces.push([from, to]);
    from = to;
  }
  if (pieces.length < 2) return false;
  const lost = Math.floor(random() * pieces.length);
  // The length may reach the disk without the data: what was not written then reads as zeros.
  if (random() < 0.3) place(file, offset + data.length, Buffer.alloc(0));
  for (const [index, [from, to]] of pieces.entries()) if (index !== lost && random() < 0.6) place(file, offset + from, data.subarray(from, to));
  return true;
}

/** Room for `size` bytes; what lies beyond the file's size is always zeros. */
function reserve(file: File, size: number): void {
  if (size <= file.durable.length) return;
  const grown = Buffer.alloc(Math.max(size, file.durable.length * 2));
  file.durable.copy(grown, 0, 0, file.size);
  file.durable = grown;
}
