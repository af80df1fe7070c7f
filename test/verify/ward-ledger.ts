import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { EntryDraft, RecordedEntry } from '../../app/domain/entries.ts';
import { writeBundle, type BundleParts } from '../../app/ledger/bundle.ts';
import { cosign, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS, type EntryPosition } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { encodeVkey, rawPublicKey, verifierKey } from '../../app/ledger/note.ts';

export const ORIGIN = 'mercy/station/cart-7/e1';
export const STATION = generateKeyPairSync('ed25519').privateKey;
export const STATION_KEY = verifierKey(ORIGIN, STATION);
const WITNESS = generateKeyPairSync('ed25519').privateKey;
export const WITNESS_KEY = verifierKey('mercy/witness', WITNESS, 'cosignature');
const SERVER = generateKeyPairSync('ed25519').privateKey;
export const SEEN_AT_S = 1_790_100_000;
const START_MS = 1_790_000_000_000;
const NURSE = 'ab'.repeat(32);

/** A policy bundle as the server signs them, with what an audit reads of it. */
export function policyJws(version: number, change: { readonly witness?: string; readonly server?: KeyObject; readonly mandatoryLeaves?: readonly string[]; readonly formerWitnesses?: readonly unknown[]; readonly revokedKeys?: readonly unknown[] } = {}): string {
  const server = change.server ?? SERVER;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = {
    version,
    rules: { mandatoryLeaves: change.mandatoryLeaves ?? ['standing', 'no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'battery'], batteryFloorPercent: 30 },
    keys: { server: [{ kid: 'k1', kty: 'OKP', crv: 'Ed25519', x: rawPublicKey(verifierKey('x', server).publicKey).toString('base64url') }], witness: change.witness ?? encodeVkey(WITNESS_KEY), formerWitnesses: change.formerWitnesses },
    revokedKeys: change.revokedKeys,
  };
  const signed = `${part({ alg: 'EdDSA', typ: 'dockward-bundle+jwt' })}.${part(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), server).toString('base64url')}`;
}

export const digestOf = (jws: string): string => createHash('sha256').update(jws).digest('hex');

export type Bodies = (leafOf: (back: number) => string, seq: number) => EntryDraft;

/** What a cart writes of one tablet between two nurses: wiped, proven, offered, taken, brought back. */
function round(device: string, slot: number, turn: number): readonly Bodies[] {
  const id = `${device}-${turn}`;
  const request = `q-${id}`;
  const stated = (kind: 'wipe-confirmed' | 'enrolled' | 'credentials-revoked', facts: Record<string, string | number>): Bodies => () => ({
    type: 'statement-accepted', device, body: { kind, request, digest: digestOf(id + kind), issuedAtMs: START_MS, facts },
  });
  const command = `c-${id}`;
  const enrolment = `e-${id}`;
  const previous = `e-${device}-${turn - 1}`;
  return [
    (leafOf) => ({ type: 'sanitization-requested', device, slot, body: { request, nonce: `n-${id}`, exposure: leafOf(turn === 0 ? 2 : 3), attempt: 1 } }),
    stated('wipe-confirmed', { enrolment: previous, command, issuedMdmMs: 1_000, confirmedMdmMs: 2_000 }),
    (_leafOf, seq) => stated('enrolled', { enrolment, previous, command, issuedMdmMs: 1_000, enrolledMdmMs: 3_000, unseenAtSize: seq - 1 })(_leafOf, seq),
    stated('credentials-revoked', { previous }),
    () => ({ type: 'pin-attempted', actor: NURSE, body: { attempt: 1 } }),
    () => ({ type: 'pin-accepted', actor: NURSE, body: { attempt: 1 } }),
    () => ({ type: 'offered', device, slot, actor: NURSE, body: { offer: `o-${id}`, release: `r-${id}`, assurance: 'crypto', stale: false, request, chargePercent: 88, untilMs: START_MS + 30_000 } }),
    () => ({ type: 'released', device, slot, actor: NURSE, body: { offer: `o-${id}`, release: `r-${id}`, how: 'offered', offeredSlot: slot } }),
    () => ({ type: 'host-lost', body: { cause: 'a cable, “pulled” by somebody' } }),
    () => ({ type: 'returned', device, slot, actor: NURSE, body: { release: `r-${id}`, how: 'return' } }),
  ];
}

export const POLICY = policyJws(3);

/** The drafts of a ward's ledger of exactly `size` entries in which nothing is wrong. */
export function wardDrafts(size: number): Bodies[] {
  const drafts: Bodies[] = [
    () => ({ type: 'station-started', body: { program: '0.1.0' } }),
    () => ({ type: 'bundle-accepted', body: { version: 3, issuedAtMs: START_MS, expiresAtMs: START_MS + 86_400_000, digest: digestOf(POLICY) } }),
  ];
  for (let tablet = 0; drafts.length < size; tablet += 1) {
    const device = `R52T${String(tablet).padStart(6, '0')}`;
    const slot = 1 + (tablet % 16);
    drafts.push(
      () => ({ type: 'device-admitted', device, body: { asset: `T-${tablet}`, ward: '7e', model: 'Tab', profile: 'p1', bundleVersion: 3 } }),
      () => ({ type: 'returned', device, slot, body: { how: 'unheld' } }),
      ...[0, 1, 2, 3, 4].flatMap((turn) => round(device, slot, turn)),
    );
  }
  return drafts.slice(0, size);
}

/** Chains drafts into the bytes of a ledger. */
export function chain(drafts: Iterable<Bodies>): Buffer[] {
  const entries: Buffer[] = [];
  const leaves: string[] = [];
  for (const draft of drafts) {
    const seq = entries.length;
    const { bytes, leaf } = buildEntry(draft((back) => leaves[seq - back] ?? '', seq), {
      station: 'cart-7', epoch: 1, seq, prev: leaves[seq - 1] ?? NO_PREVIOUS, hlc: { ms: START_MS + seq * 1_000, n: 0 }, boot: 'boot-1', mono: seq * 1_000,
    });
    entries.push(bytes);
    leaves.push(leaf.toString('hex'));
  }
  return entries;
}

export type WrittenEntry = Record<string, unknown> & { body: Record<string, unknown>; place?: { slot: number } };

/**
 * The entries after `change` has had its way with one: chained anew, and whatever cites a leaf citing the new one. What a
 * capable thief of the station's disk can make.
 */
export function rechained(entries: readonly Buffer[], seq: number, change: (entry: WrittenEntry) => void): Buffer[] {
  const renamed = new Map<string, string>();
  let prev = seq === 0 ? NO_PREVIOUS : leafHash(entries[seq - 1] ?? Buffer.of()).toString('hex');
  return entries.map((bytes, index) => {
    if (index < seq) return bytes;
    const entry = JSON.parse(bytes.toString()) as WrittenEntry;
    if (index === seq) change(entry);
    const exposure = renamed.get(String(entry.body['exposure']));
    if (exposure !== undefined) entry.body['exposure'] = exposure;
    const { type, body, actor, place, device, v: _v, ...position } = entry;
    const built = buildEntry({ type, body, actor, device, slot: place?.slot } as unknown as RecordedEntry, { ...(position as unknown as EntryPosition), prev });
    renamed.set(leafHash(bytes).toString('hex'), built.leaf.toString('hex'));
    prev = built.leaf.toString('hex');
    return built.bytes;
  });
}

export const noteOf = (entries: readonly Buffer[], key: KeyObject = STATION): string =>
  signCheckpoint(ORIGIN, entries.length, rootOf(entries.map(leafHash).reduce(append, EMPTY_FRONTIER)), verifierKey(ORIGIN, key), key);
export const cosignedNote = (entries: readonly Buffer[], key: KeyObject = STATION, seenAtS = SEEN_AT_S): string => {
  const note = noteOf(entries, key);
  return note + cosign(note, WITNESS_KEY, WITNESS, seenAtS);
};

/** What server (cosigned to the end) or station (`cosignedSize` < size) would export of these entries. */
export function partsOf(entries: readonly Buffer[], change: Partial<BundleParts> = {}): BundleParts {
  return {
    checkpoint: cosignedNote(entries),
    cosigned: undefined,
    size: entries.length,
    keys: { ranges: [{ key: STATION_KEY, from: 0, to: entries.length }], witness: WITNESS_KEY },
    policies: [{ version: 3, jws: POLICY }],
    entries: async (from, count) => entries.slice(from, from + count),
    ...change,
  };
}

export async function bundleOf(entries: readonly Buffer[], change: Partial<BundleParts> = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeBundle(partsOf(entries, change))) chunks.push(chunk);
  return Buffer.concat(chunks);
}
