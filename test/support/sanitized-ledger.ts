import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { EntryBodies, EntryDraft } from '../../app/domain/entries.ts';
import { entriesToProve, type CertificateParts } from '../../app/ledger/certificate.ts';
import { cosign, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import { inclusionProof } from '../../app/ledger/proofs.ts';

/** Where drafts are recorded; answers the leaf, hex. */
export type Recorder = (draft: EntryDraft) => string;

export interface Wipe {
  readonly serial: string;
  readonly slot: number;
  /** Tells one wipe of a tablet from the next. */
  readonly turn?: number;
  /** Leaf of the exposure that it answers. */
  readonly exposure: string;
  /** Entries in the ledger before the request. */
  readonly size: number;
  readonly claim?: Partial<EntryBodies['sanitized']>;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What a cart records of one wipe, from the request to the complete proof: six entries. */
export function recordWipe(record: Recorder, { serial, slot, turn = 1, exposure, size, claim = {} }: Wipe): void {
  const id = `${serial}-${turn}`;
  const request = `q-${id}`;
  const stated = (kind: EntryBodies['statement-accepted']['kind'], facts: Record<string, string | number | boolean>): void =>
    void record({ type: 'statement-accepted', device: serial, body: { kind, request, digest: digestOf(id + kind), issuedAtMs: 1_790_000_100_000, facts } });
  const previous = `e-${serial}-${turn - 1}`;
  const enrolment = `e-${id}`;
  const command = `c-${id}`;
  const asked = record({ type: 'sanitization-requested', device: serial, slot, body: { request, nonce: `n-${id}`, exposure, attempt: 1 } });
  stated('wipe-confirmed', { enrolment: previous, command, issuedMdmMs: 1_790_000_001_000, confirmedMdmMs: 1_790_000_002_000 });
  stated('enrolled', { enrolment, previous, command, issuedMdmMs: 1_790_000_001_000, enrolledMdmMs: 1_790_000_300_000, unseenAtSize: size + 1 });
  stated('credentials-revoked', { previous });
  stated('queue-clear', { enrolment, unlockTokenKept: false });
  record({
    type: 'sanitized', device: serial, slot,
    body: {
      request, nonce: `n-${id}`, asked, exposure, attempt: 1, grade: 'E2', proven: ['no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear'],
      command, previous, confirmedMdmMs: 1_790_000_002_000, enrolment, enrolledMdmMs: 1_790_000_300_000, ...claim,
    },
  });
}

export const ORIGIN = 'mercy/station/cart-7/e1';
export const STATION = generateKeyPairSync('ed25519').privateKey;
export const STATION_KEY = verifierKey(ORIGIN, STATION);
const WITNESS = generateKeyPairSync('ed25519').privateKey;
export const WITNESS_KEY = verifierKey('mercy/witness', WITNESS, 'cosignature');
export const SEEN_AT_S = 1_790_100_000;

/** A ledger in memory. */
export interface MemoryLedger {
  readonly entries: Buffer[];
  readonly record: Recorder;
}

export function memoryLedger(station = 'cart-7'): MemoryLedger {
  const entries: Buffer[] = [];
  return {
    entries,
    record: (draft) => {
      const prev = entries.at(-1);
      const position = { station, epoch: 1, seq: entries.length, prev: prev ? leafHash(prev).toString('hex') : NO_PREVIOUS, hlc: { ms: 1_790_000_000_000 + entries.length * 60_000, n: 0 }, boot: 'boot-1', mono: entries.length };
      const { bytes, leaf } = buildEntry(draft, position);
      entries.push(bytes);
      return leaf.toString('hex');
    },
  };
}

export interface SanitizedLedger {
  readonly entries: readonly Buffer[];
  /** Places of the two tablets' `sanitized` entries. */
  readonly first: number;
  readonly second: number;
}

export const POLICY_DIGEST = digestOf('policy 3');

/** Two tablets, each wiped once; `claim` is what the second one's entry says beyond the truth. */
export function sanitizedLedger(claim: Partial<EntryBodies['sanitized']> = {}, policyDigest = POLICY_DIGEST): SanitizedLedger {
  const { entries, record } = memoryLedger();
  record({ type: 'station-started', body: { program: '0.1.0' } });
  record({ type: 'bundle-accepted', body: { version: 3, issuedAtMs: 1_790_000_000_000, expiresAtMs: 1_790_600_000_000, digest: policyDigest } });
  const wiped = (serial: string, asset: string, slot: number, more: Partial<Wipe> = {}): number => {
    record({ type: 'device-admitted', device: serial, body: { asset, ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 3 } });
    const exposure = record({ type: 'exposed', device: serial, slot, body: { cause: 'unobserved' } });
    record({ type: 'returned', device: serial, slot, actor: 'ab'.repeat(32), body: { how: 'found' } });
    recordWipe(record, { serial, slot, exposure, size: entries.length, ...more });
    return entries.length - 1;
  };
  const first = wiped('R52TGNPY77Z', 'T-101', 4);
  const second = wiped('R52TXYYK596', 'T-102', 5, { claim });
  record({ type: 'host-lost', body: { cause: 'cable' } });
  return { entries, first, second };
}

/** A certificate's parts over the entry at `index`, of these entries under one checkpoint. */
export function certificateParts(entries: readonly Buffer[], index: number, { signer = STATION, origin = ORIGIN }: { signer?: KeyObject; origin?: string } = {}): CertificateParts {
  const leaves = entries.map(leafHash);
  const key = verifierKey(origin, signer);
  const note = signCheckpoint(origin, entries.length, rootOf(leaves.reduce(append, EMPTY_FRONTIER)), key, signer);
  const hashesOf = (seq: number): readonly Buffer[] => inclusionProof(seq, entries.length, (at) => leaves[at] ?? Buffer.alloc(0));
  return {
    entries: entriesToProve(entries[index] ?? Buffer.alloc(0), entries.slice(0, index)).map(({ bytes, entry }) => ({ bytes, hashes: hashesOf(entry.seq) })),
    checkpoint: note + cosign(note, WITNESS_KEY, WITNESS, SEEN_AT_S),
    ledgerKeys: [key],
    witnesses: [WITNESS_KEY],
  };
}
