import { hash, generateKeyPairSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { auditBundle } from '../../app/ledger/audit.ts';
import { writeBundle } from '../../app/ledger/bundle.ts';
import { cosign, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, rootOf } from '../../app/ledger/merkle.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import { hashBeside } from '../verify/tile-hasher.ts';
import type { Row } from './ledger.ts';

const ENTRIES = 50_000;
const ROUNDS = 5;
const GOAL = 2;
const ORIGIN = 'bench/station/cart-7/e1';
const DEVICES = 16;
const START_MS = 1_790_000_000_000;

/** A whole audit of a bundle in memory, hashing on a thread of its own as `npm run verify` does, beside SHA-256 and JSON.parse of the same entries, turn by turn; medians. The hash comes as text: to make a Buffer of each would double the floor. */
export async function benchVerify(): Promise<Row[]> {
  const entries: Buffer[] = [];
  let frontier = EMPTY_FRONTIER;
  let prev = NO_PREVIOUS;
  for (let seq = 0; seq < ENTRIES; seq += 1) {
    const { bytes, leaf } = buildEntry(draftOf(seq), { station: 'cart-7', epoch: 1, seq, prev, hlc: { ms: START_MS + seq, n: 0 }, boot: '0'.repeat(36), mono: seq });
    entries.push(bytes);
    frontier = append(frontier, leaf);
    prev = leaf.toString('hex');
  }
  const bundle = await bundleOf(entries, rootOf(frontier));
  const floors: number[] = [];
  const audits: number[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    let start = performance.now();
    for (const bytes of entries) {
      hash('sha256', bytes);
      JSON.parse(bytes.toString());
    }
    const floor = performance.now() - start;
    start = performance.now();
    const { finding } = await auditBundle([bundle], undefined, hashBeside);
    const audit = performance.now() - start;
    if (finding) throw new Error(`the bench ledger does not verify: ${finding.message}`);
    if (round < 0) continue;
    floors.push(floor);
    audits.push(audit);
  }
  const floor = median(floors) / ENTRIES;
  const value = median(audits) / ENTRIES;
  const ratio = value / floor;
  return [{ name: `audit of a bundle, per entry (of ${ENTRIES})`, value: value * 1_000, unit: 'µs', floor: floor * 1_000, ratio, goal: `at most ${GOAL} ×`, met: ratio <= GOAL }];
}

async function bundleOf(entries: readonly Buffer[], root: Buffer): Promise<Buffer> {
  const station = generateKeyPairSync('ed25519').privateKey;
  const witness = generateKeyPairSync('ed25519').privateKey;
  const key = verifierKey(ORIGIN, station);
  const witnessKey = verifierKey('bench/witness', witness, 'cosignature');
  const note = signCheckpoint(ORIGIN, entries.length, root, key, station);
  const chunks: Buffer[] = [];
  const parts = { checkpoint: note + cosign(note, witnessKey, witness, START_MS / 1_000), cosigned: undefined, size: entries.length, keys: { ranges: [{ key, from: 0, to: entries.length }], witness: witnessKey }, policies: [] };
  for await (const chunk of writeBundle({ ...parts, entries: async (from, count) => entries.slice(from, from + count) })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sixteen tablets that go without a word and come back: every second entry moves custody. */
function draftOf(seq: number): EntryDraft {
  const device = `R52T1000${seq % DEVICES}`;
  const slot = 1 + (seq % DEVICES);
  const round = Math.floor(seq / DEVICES);
  if (round === 0) return { type: 'device-admitted', device, body: { asset: 'A-1', ward: 'w1', model: 'Tab', profile: 'p1', bundleVersion: 1 } };
  const release = `release-${device}-${Math.floor(round / 2)}`;
  if (round === 1) return { type: 'returned', device, slot, body: { how: 'unheld' } };
  if (round % 2 === 0) return { type: 'unidentified-removal', device, slot, body: { release, claimUntilMs: START_MS + seq + 60_000 } };
  return { type: 'returned', device, slot, actor: 'ab'.repeat(32), body: { release, how: 'put-back' } };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
