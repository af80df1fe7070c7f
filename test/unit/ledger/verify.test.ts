import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EntryDraft, LedgerValue } from '../../../app/domain/entries.ts';
import { canonicalText, NotRepresentable } from '../../../app/ledger/canonical.ts';
import { signCheckpoint } from '../../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS, nextHybridTime, parseEntry, recordedEntry, type EntryPosition, type HybridTime } from '../../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, rootOf, type Frontier } from '../../../app/ledger/merkle.ts';
import { verifierKey } from '../../../app/ledger/note.ts';
import { startVerification, type LedgerFinding } from '../../../app/ledger/verify.ts';

const ORIGIN = 'mercy/station/cart-7/e1';
const { privateKey } = generateKeyPairSync('ed25519');
const KEY = verifierKey(ORIGIN, privateKey);
const POSITION: EntryPosition = { station: 'cart-7', epoch: 1, seq: 0, prev: NO_PREVIOUS, hlc: { ms: 1_790_000_000_000, n: 0 }, boot: 'boot-1', mono: 4711 };
const RETURN = { type: 'returned', device: 'R52T1', actor: 'ab'.repeat(32), slot: 7, body: { release: 'r-1', how: 'return' }, covered: true } as const satisfies EntryDraft;

interface Ledger {
  readonly entries: readonly Buffer[];
  readonly frontier: Frontier;
}

function written(count: number, position: Partial<EntryPosition> = {}): Ledger {
  const entries: Buffer[] = [];
  let frontier = EMPTY_FRONTIER;
  let prev = NO_PREVIOUS;
  let hlc: HybridTime = { ms: 0, n: 0 };
  for (let seq = 0; seq < count; seq += 1) {
    hlc = nextHybridTime(hlc, 1_790_000_000_000);
    const { bytes, leaf } = buildEntry({ ...RETURN, body: { release: `r-${seq}`, how: 'return' } }, { ...POSITION, ...position, seq, prev, hlc });
    entries.push(bytes);
    frontier = append(frontier, leaf);
    prev = leaf.toString('hex');
  }
  return { entries, frontier };
}

function firstFinding(entries: readonly Buffer[]): LedgerFinding | undefined {
  const verification = startVerification();
  for (const bytes of entries) {
    const finding = verification.push(bytes);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

const CHECKED = written(20);
const NOTE = signCheckpoint(ORIGIN, 20, rootOf(CHECKED.frontier), KEY, privateKey);

describe('an entry', () => {
  test('has the bytes that any other implementation would write', () => {
    const { bytes, leaf } = buildEntry(RETURN, POSITION);
    expect(bytes.toString()).toBe(
      `{"actor":"${'ab'.repeat(32)}","body":{"how":"return","release":"r-1"},"boot":"boot-1","device":"R52T1","epoch":1,"hlc":{"ms":1790000000000,"n":0},"mono":4711,` +
        `"place":{"slot":7},"prev":"${NO_PREVIOUS}","seq":0,"station":"cart-7","type":"returned","v":1}`,
    );
    const parsed = parseEntry(bytes);
    expect(parsed.ok && recordedEntry(parsed.value, leaf)).toEqual({
      type: 'returned', body: { release: 'r-1', how: 'return' }, device: 'R52T1', actor: 'ab'.repeat(32), slot: 7,
      seq: 0, leaf: leaf.toString('hex'), atMs: 1_790_000_000_000, station: 'cart-7',
    });
  });

  test('leaves out whom and what it does not name', () => {
    const { bytes } = buildEntry({ type: 'host-lost', body: { cause: 'exit' } }, POSITION);
    expect(Object.keys(JSON.parse(bytes.toString()) as object)).toEqual(['body', 'boot', 'epoch', 'hlc', 'mono', 'prev', 'seq', 'station', 'type', 'v']);
  });

  test('that the ledger cannot hold is thrown back before anything is written', () => {
    const long: EntryDraft = { type: 'host-lost', body: { cause: 'x'.repeat(9000) } };
    expect(() => buildEntry(long, POSITION)).toThrow(NotRepresentable);
    expect(() => buildEntry({ ...RETURN, slot: 1.5 }, POSITION)).toThrow(NotRepresentable);
    expect(() => buildEntry({ ...RETURN, device: '' }, POSITION)).toThrow(NotRepresentable);
    expect(() => buildEntry(RETURN, { ...POSITION, mono: 0.5 })).toThrow(NotRepresentable);
  });

  test.each([
    ['a field too many', { extra: 1 }, 'fields'],
    ['a future version', { v: 2 }, 'version'],
    ['no station', { station: '' }, 'fields'],
    ['a negative seq', { seq: -1 }, 'fields'],
    ['a short prev', { prev: 'ab' }, 'fields'],
    ['a place with more than a slot', { place: { slot: 1, bay: 2 } }, 'fields'],
    ['a body that is a list', { body: [] }, 'fields'],
    ['a clock with more than ms and n', { hlc: { ms: 1, n: 0, x: 1 } }, 'fields'],
  ])('with %s is not an entry', (_name, change, reason) => {
    const entry = JSON.parse(buildEntry(RETURN, POSITION).bytes.toString()) as Record<string, LedgerValue>;
    expect(parseEntry(Buffer.from(canonicalText({ ...entry, ...change })))).toEqual({ ok: false, reason });
  });

  test('the clock set back ten years: entries stay in order and distinct', () => {
    const later = nextHybridTime({ ms: 1_790_000_000_000, n: 3 }, 1_480_000_000_000.7);
    expect(later).toEqual({ ms: 1_790_000_000_000, n: 4 });
    expect(nextHybridTime(later, 1_790_000_000_001.9)).toEqual({ ms: 1_790_000_000_001, n: 0 });
  });
});

describe('fsck', () => {
  test('finds nothing in an honest ledger', () => {
    const verification = startVerification();
    for (const bytes of CHECKED.entries) expect(verification.push(bytes)).toBeUndefined();
    expect(verification.size).toBe(20);
    expect(verification.finish(NOTE, KEY)).toMatchObject({ verified: { checkpoint: { size: 20 }, firstMs: 1_790_000_000_000, lastMs: 1_790_000_000_000 } });
  });

  test('every flipped bit is found, at the entry or at the one after it, and in the last one by the root', () => {
    for (const [seq, bytes] of CHECKED.entries.entries()) {
      for (let at = 0; at < bytes.length; at += 7) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        const finding = firstFinding(CHECKED.entries.with(seq, damaged));
        if (seq < 19) expect(finding).toSatisfy((found: LedgerFinding) => 'seq' in found && (found.seq === seq || found.seq === seq + 1));
        else expect(finding ?? finished(CHECKED.entries.with(seq, damaged))).toBeDefined();
      }
    }
  });

  test('an entry taken out, put in twice or exchanged with its neighbour is named', () => {
    const { entries } = CHECKED;
    for (let seq = 0; seq < 19; seq += 1) {
      expect(firstFinding(entries.toSpliced(seq, 1))).toEqual({ kind: 'chain', seq, field: 'seq' });
      expect(firstFinding(entries.toSpliced(seq, 0, entries[seq] ?? Buffer.of()))).toEqual({ kind: 'chain', seq: seq + 1, field: 'seq' });
      expect(firstFinding(entries.with(seq, entries[seq + 1] ?? Buffer.of()).with(seq + 1, entries[seq] ?? Buffer.of()))).toEqual({ kind: 'chain', seq, field: 'seq' });
    }
  });

  test('the last entry taken out is missed by the root', () => {
    expect(finished(CHECKED.entries.slice(0, 19))).toEqual({ kind: 'root', expectedSize: 20, size: 19 });
  });

  test('a history written anew, whole and well chained, is missed by the root', () => {
    expect(finished(written(20, { mono: 4712 }).entries)).toEqual({ kind: 'root', expectedSize: 20, size: 20 });
  });

  test('entries of another station or epoch, or whose clock goes back, are named', () => {
    const grafted = (position: Partial<EntryPosition>): readonly Buffer[] => {
      const { bytes, leaf } = buildEntry(RETURN, POSITION);
      return [bytes, buildEntry(RETURN, { ...POSITION, seq: 1, prev: leaf.toString('hex'), hlc: { ms: POSITION.hlc.ms, n: 1 }, ...position }).bytes];
    };
    expect(firstFinding(grafted({}))).toBeUndefined();
    expect(firstFinding(grafted({ station: 'cart-8' }))).toEqual({ kind: 'chain', seq: 1, field: 'station' });
    expect(firstFinding(grafted({ epoch: 2 }))).toEqual({ kind: 'chain', seq: 1, field: 'epoch' });
    expect(firstFinding(grafted({ hlc: POSITION.hlc }))).toEqual({ kind: 'chain', seq: 1, field: 'hlc' });
    expect(firstFinding(grafted({ prev: NO_PREVIOUS }))).toEqual({ kind: 'chain', seq: 1, field: 'prev' });
  });

  test('a checkpoint by another key, or damaged, is a finding about the signature', () => {
    const stranger = verifierKey(ORIGIN, generateKeyPairSync('ed25519').privateKey);
    const verification = startVerification();
    for (const bytes of CHECKED.entries) verification.push(bytes);
    expect(verification.finish(NOTE, stranger)).toEqual({ finding: { kind: 'signature', fault: 'not-signed' } });
    expect(verification.finish(NOTE.replace('\n20\n', '\n21\n'), KEY)).toEqual({ finding: { kind: 'signature', fault: 'bad-signature' } });
    expect(verification.finish('', KEY)).toEqual({ finding: { kind: 'signature', fault: 'malformed' } });
  });
});

function finished(entries: readonly Buffer[]): LedgerFinding | undefined {
  const verification = startVerification();
  for (const bytes of entries) {
    const finding = verification.push(bytes);
    if (finding !== undefined) return finding;
  }
  const end = verification.finish(NOTE, KEY);
  return 'finding' in end ? end.finding : undefined;
}
