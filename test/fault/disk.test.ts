import { expect, test } from 'vitest';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { createDisk, noDamage, SECTOR_BYTES, type Image } from '../support/write-log/disk.ts';
import type { Operation } from '../support/write-log/record.ts';

const TRIES = 300;
const write = (byte: number, offset: number, length: number): Operation => ({ kind: 'write', name: 'a', offset, data: Buffer.alloc(length, byte) });
const CREATED: readonly Operation[] = [{ kind: 'create', name: 'a' }, { kind: 'sync-folder' }];

function crashes(operations: readonly Operation[]): readonly Image[] {
  const disk = createDisk();
  for (const operation of operations) disk.apply(operation);
  return Array.from({ length: TRIES }, (_, seed) => disk.crash(seededRandom(seed), noDamage()));
}

const contents = (images: readonly Image[]): ReadonlySet<string> => new Set(images.map((image) => image.get('a')?.toString('latin1').replace(/(.)\1*/g, (run, byte: string) => `${byte}${run.length} `) ?? 'missing'));

test('what a file’s sync covers is there after every crash, and what came later is there after some', () => {
  const images = crashes([...CREATED, write(0x41, 0, 100), { kind: 'sync', name: 'a' }, write(0x42, 100, 100)]);
  expect(contents(images)).toEqual(new Set(['A100 ', 'A100 B100 ']));
});

test('a sync of one file is none of another', () => {
  const images = crashes([...CREATED, write(0x41, 0, 100), { kind: 'create', name: 'b' }, { kind: 'sync', name: 'b' }]);
  expect(contents(images)).toEqual(new Set(['', 'A100 ']));
});

test('writes tear only where sectors of the file end', () => {
  const images = crashes([...CREATED, write(0x41, 0, 1100), { kind: 'sync', name: 'a' }, write(0x42, 100, 1000)]);
  const edges = new Set(images.flatMap((image) => [...(image.get('a') ?? [])].flatMap((byte, at, bytes) => (at > 0 && byte !== bytes[at - 1] ? [at] : []))));
  expect([...edges].sort((a, b) => a - b)).toEqual([100, SECTOR_BYTES, 2 * SECTOR_BYTES]);
});

test('an older write may reach the disk after a newer one, and a shorter length before what followed it', () => {
  const images = crashes([...CREATED, write(0x41, 0, 10), write(0x42, 0, 10), { kind: 'truncate', name: 'a', size: 5 }, write(0x43, 5, 5)]);
  const seen = contents(images);
  for (const possible of ['', 'A10 ', 'B10 ', 'A5 C5 ', 'B5 C5 ', 'B5 ', 'A5 ']) expect(seen).toContain(possible);
});

test('a name comes and goes for certain only with a sync of the folder', () => {
  const begin: readonly Operation[] = [{ kind: 'create', name: 'a' }, write(0x41, 0, 1), { kind: 'sync', name: 'a' }];
  expect(contents(crashes(begin))).toEqual(new Set(['missing', 'A1 ']));
  const gone: readonly Operation[] = [...begin, { kind: 'sync-folder' }, { kind: 'unlink', name: 'a' }];
  expect(contents(crashes(gone))).toEqual(new Set(['missing', 'A1 ']));
  expect(contents(crashes([...gone, { kind: 'sync-folder' }]))).toEqual(new Set(['missing']));
  expect(contents(crashes([...gone, { kind: 'create', name: 'a' }, write(0x42, 0, 1), { kind: 'sync', name: 'a' }]))).toEqual(new Set(['missing', 'A1 ', 'B1 ']));
});

test('a lost write leaves zeros below one that came through', () => {
  const images = crashes([...CREATED, write(0x41, 0, 4), write(0x42, 4, 4)]);
  expect(contents(images)).toEqual(new Set(['', 'A4 ', '\u00004 B4 ', 'A4 B4 ']));
});
