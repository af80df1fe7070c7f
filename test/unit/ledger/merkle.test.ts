import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { append, EMPTY_FRONTIER, EMPTY_ROOT, frontierBytes, frontierFrom, leafHash, nodeHash, rootOf } from '../../../app/ledger/merkle.ts';
import type { Frontier, Hash } from '../../../app/ledger/merkle.ts';
import { consistencyProof, inclusionProof, inclusionRanges, consistencyRanges, verifyConsistency, verifyInclusion } from '../../../app/ledger/proofs.ts';

/** The eight leaves by which certificate transparency logs are tested, and their roots at every size. */
const CLASSIC_LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const CLASSIC_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leaves = (count: number): Hash[] => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const grown = (hashes: readonly Hash[]): Frontier => hashes.reduce<Frontier>(append, EMPTY_FRONTIER);

/** The definition of RFC 6962 2.1, word for word and slow. */
function definedRoot(hashes: readonly Hash[]): Hash {
  const [only] = hashes;
  if (only === undefined) return EMPTY_ROOT;
  if (hashes.length === 1) return only;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(definedRoot(hashes.slice(0, split)), definedRoot(hashes.slice(split)));
}

const SIZES = Array.from({ length: 36 }, (_, index) => index);
const ALL = leaves(36);
const at = (index: number): Hash => ALL[index] ?? expect.fail(`leaf ${index} was asked for`);
const ROOTS = SIZES.map((size) => definedRoot(ALL.slice(0, size)));
const rootAt = (size: number): Hash => ROOTS[size] ?? expect.fail(`no root at ${size}`);

function flipped(hash: Hash): Hash {
  const other = Buffer.from(hash);
  other[5] = (other[5] ?? 0) ^ 1;
  return other;
}

describe('the tree', () => {
  test('has the known roots over the eight classic leaves', () => {
    let frontier = EMPTY_FRONTIER;
    const roots = [rootOf(frontier).toString('hex')];
    for (const leaf of CLASSIC_LEAVES) {
      frontier = append(frontier, leafHash(Buffer.from(leaf, 'hex')));
      roots.push(rootOf(frontier).toString('hex'));
    }
    expect(roots).toEqual(CLASSIC_ROOTS);
  });

  test('grown leaf by leaf is the tree that RFC 6962 defines', () => {
    for (const size of SIZES) expect(rootOf(grown(ALL.slice(0, size)))).toEqual(rootAt(size));
  });

  test('goes on from its stored frontier as if it had never stopped', () => {
    for (const size of SIZES) {
      const frontier = grown(ALL.slice(0, size));
      const restored = frontierFrom(size, frontierBytes(frontier));
      expect(restored).toEqual(frontier);
      const next = leafHash(Buffer.from('next'));
      expect(restored && rootOf(append(restored, next))).toEqual(rootOf(append(frontier, next)));
    }
  });

  test('a frontier whose bytes do not fit its size is refused', () => {
    const bytes = frontierBytes(grown(leaves(6)));
    expect(frontierFrom(6, bytes)).toBeDefined();
    expect(frontierFrom(7, bytes)).toBeUndefined();
    expect(frontierFrom(6, bytes.subarray(1))).toBeUndefined();
  });

  test('sizes beyond 32 bits keep their shape', () => {
    const size = 2 ** 40 + 1;
    const frontier = frontierFrom(size, Buffer.alloc(64, 7));
    expect(frontier && append(frontier, leafHash(Buffer.of(1))).hashes.length).toBe(2);
  });
});

describe('proofs', () => {
  test('every leaf of every tree up to 35 is proven, and by nothing else', () => {
    for (const size of SIZES) {
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(index, size, at);
        expect(verifyInclusion(index, size, at(index), proof, rootAt(size))).toBe(true);
        expect(verifyInclusion(index, size, flipped(at(index)), proof, rootAt(size))).toBe(false);
        expect(verifyInclusion(index, size, at(index), proof, flipped(rootAt(size)))).toBe(false);
        expect(verifyInclusion(index, size, at(index), [...proof, at(0)], rootAt(size))).toBe(false);
        expect(verifyInclusion((index + 1) % size, size, at(index), proof, rootAt(size))).toBe(size === 1);
        if (proof.length > 0) expect(verifyInclusion(index, size, at(index), proof.slice(1), rootAt(size))).toBe(false);
      }
    }
  });

  test('every smaller tree is proven a prefix, a changed one is not', () => {
    for (const size of SIZES.slice(1)) {
      for (let old = 1; old <= size; old += 1) {
        const proof = consistencyProof(old, size, at);
        expect(verifyConsistency(old, rootAt(old), size, rootAt(size), proof)).toBe(true);
        expect(verifyConsistency(old, flipped(rootAt(old)), size, rootAt(size), proof)).toBe(false);
        expect(verifyConsistency(old, rootAt(old), size, flipped(rootAt(size)), proof)).toBe(false);
        expect(verifyConsistency(old, rootAt(old), size, rootAt(size), [...proof, at(0)])).toBe(false);
        for (let index = 0; index < proof.length; index += 1) {
          expect(verifyConsistency(old, rootAt(old), size, rootAt(size), proof.with(index, flipped(at(0))))).toBe(false);
        }
      }
    }
  });

  test('the proofs of RFC 6962 section 2.1.3, by their subtrees', () => {
    const shown = (ranges: readonly { start: number; end: number }[]) => ranges.map(({ start, end }) => `${start}-${end}`);
    // PATH(0, D[7]) = [b, h, l]; PATH(3) = [c, g, l]; PATH(4) = [f, j, k]; PATH(6) = [i, k].
    expect(shown(inclusionRanges(0, 7))).toEqual(['1-2', '2-4', '4-7']);
    expect(shown(inclusionRanges(3, 7))).toEqual(['2-3', '0-2', '4-7']);
    expect(shown(inclusionRanges(4, 7))).toEqual(['5-6', '6-7', '0-4']);
    expect(shown(inclusionRanges(6, 7))).toEqual(['4-6', '0-4']);
    // PROOF(3, D[7]) = [c, d, g, l]; PROOF(4) = [l]; PROOF(6) = [i, j, k].
    expect(shown(consistencyRanges(3, 7))).toEqual(['2-3', '3-4', '0-2', '4-7']);
    expect(shown(consistencyRanges(4, 7))).toEqual(['4-7']);
    expect(shown(consistencyRanges(6, 7))).toEqual(['4-6', '6-7', '0-4']);
  });

  test('a proof in a tree of a million leaves', () => {
    const million = 1_000_000;
    const same = leafHash(Buffer.of(1));
    const proof = inclusionProof(765_432, million, () => same);
    let frontier = EMPTY_FRONTIER;
    for (let index = 0; index < million; index += 1) frontier = append(frontier, same);
    expect(proof.length).toBe(20);
    expect(verifyInclusion(765_432, million, same, proof, rootOf(frontier))).toBe(true);
  });

  test('sizes and indexes that make no sense prove nothing', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (index, size) => {
        fc.pre(!(Number.isInteger(index) && Number.isInteger(size)));
        expect(verifyInclusion(index, size, at(0), [], rootAt(1))).toBe(false);
        expect(verifyConsistency(index, rootAt(1), size, rootAt(1), [])).toBe(false);
      }),
    );
    expect(verifyInclusion(-1, 1, at(0), [], rootAt(1))).toBe(false);
    expect(verifyConsistency(0, EMPTY_ROOT, 1, rootAt(1), [])).toBe(false);
    expect(() => inclusionRanges(3, 3)).toThrow(RangeError);
    expect(() => consistencyRanges(4, 3)).toThrow(RangeError);
  });
});
