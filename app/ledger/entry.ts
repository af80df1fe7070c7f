import type { EntryDraft, LedgerValue, RecordedEntry } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { canonicalText, MAX_ENTRY_BYTES, NotRepresentable, parseCanonical, type CanonicalFault } from './canonical.ts';
import { leafHash, type Hash } from './merkle.ts';
import { readPlainEntry } from './plain-entry.ts';

export const ENTRY_VERSION = 1;

/** `prev` of the first entry. */
export const NO_PREVIOUS = '0'.repeat(64);

/** Hybrid logical clock: `ms` is the highest wall clock seen so far, `n` counts entries that share it. */
export interface HybridTime {
  readonly ms: number;
  readonly n: number;
}

/** Everything an entry says of where and when it stands, beside what the rules asked to record. */
export interface EntryPosition {
  readonly station: string;
  readonly epoch: number;
  readonly seq: number;
  /** Hex leaf of the entry before. */
  readonly prev: string;
  readonly hlc: HybridTime;
  readonly boot: string;
  /** Milliseconds since boot. */
  readonly mono: number;
}

/** An entry as it is written. Its `type` and `body` may be of a newer program: a verifier does not judge them. */
export interface LedgerEntry extends EntryPosition {
  readonly v: typeof ENTRY_VERSION;
  readonly type: string;
  readonly actor?: string;
  readonly place?: { readonly slot: number };
  readonly device?: string;
  readonly body: { readonly [key: string]: LedgerValue };
}

export const ENTRY_FAULTS = ['fields', 'version'] as const;
export type EntryFault = CanonicalFault | (typeof ENTRY_FAULTS)[number];

export interface BuiltEntry {
  readonly entry: LedgerEntry;
  /** Canonical bytes: what is hashed and what is stored. */
  readonly bytes: Buffer;
  readonly leaf: Hash;
}

/** The next reading of the hybrid clock: never below the last, distinct for every entry. */
export function nextHybridTime(last: HybridTime, wallMs: number): HybridTime {
  const ms = Math.floor(wallMs);
  return ms > last.ms ? { ms, n: 0 } : { ms: last.ms, n: last.n + 1 };
}

/** The bytes of an entry. Throws `NotRepresentable` for what the ledger cannot hold, over 8 KiB included. */
export function buildEntry(draft: EntryDraft, position: EntryPosition): BuiltEntry {
  const entry: LedgerEntry = {
    ...position,
    v: ENTRY_VERSION,
    type: draft.type,
    ...(draft.actor !== undefined && { actor: draft.actor }),
    ...(draft.slot !== undefined && { place: { slot: draft.slot } }),
    ...(draft.device !== undefined && { device: draft.device }),
    body: draft.body as LedgerEntry['body'],
  };
  if (!hasEntryFields(entry)) throw new NotRepresentable(`a ${draft.type} entry has a field that no entry may have`);
  const bytes = Buffer.from(canonicalText(entry as unknown as LedgerValue));
  if (bytes.length > MAX_ENTRY_BYTES) throw new NotRepresentable(`a ${draft.type} entry of ${bytes.length} bytes is over ${MAX_ENTRY_BYTES}`);
  return { entry, bytes, leaf: leafHash(bytes) };
}

/**
 * Reads the bytes of an entry: canonical, of this version, with exactly the fields an entry has. `likelyPrev`: a hash in hex
 * that `prev` will mostly be; it changes nothing but how long the reading takes.
 */
export function parseEntry(bytes: Uint8Array, likelyPrev?: string): Result<LedgerEntry, EntryFault> {
  const plain = bytes.length <= MAX_ENTRY_BYTES ? readPlainEntry(bytes) : undefined;
  return plain && (plain.prev === likelyPrev || HEX_HASH.test(plain.prev)) ? ok(plain) : parseEntryClosely(bytes);
}

/** What `parseEntry` means, whatever the bytes are; it takes three times as long. */
export function parseEntryClosely(bytes: Uint8Array): Result<LedgerEntry, EntryFault> {
  const value = parseCanonical(bytes);
  if (!value.ok) return value;
  if (!isPlainObject(value.value)) return refused('fields');
  if (value.value['v'] !== ENTRY_VERSION) return refused('version');
  return hasEntryFields(value.value) ? ok(value.value as unknown as LedgerEntry) : refused('fields');
}

/** An entry as the rules read it; `leaf` as bytes or in hex. `covered` is not in the bytes: it was a demand on the writer, not a fact. */
export function recordedEntry(entry: LedgerEntry, leaf: Hash | string): RecordedEntry {
  const { type, body, seq, station, device, actor, place } = entry;
  const recorded: { [field: string]: unknown } = { type, body, seq, leaf: typeof leaf === 'string' ? leaf : leaf.toString('hex'), atMs: entry.hlc.ms, station };
  if (device !== undefined) recorded['device'] = device;
  if (actor !== undefined) recorded['actor'] = actor;
  if (place !== undefined) recorded['slot'] = place.slot;
  // A station reads back only what the rules gave it to write; the types of foreign entries are judged by their contract.
  return recorded as unknown as RecordedEntry;
}

const REQUIRED_FIELDS = 10;
const HEX_HASH = /^[0-9a-f]{64}$/;

/** Exactly `v type station epoch seq prev hlc boot mono body`, and at most `actor place device` beside them. */
function hasEntryFields(entry: object): boolean {
  const { v, type, station, epoch, seq, prev, hlc, boot, mono, body, actor, place, device } = entry as { readonly [key: string]: unknown };
  const optional = [actor, place, device].filter((field) => field !== undefined).length;
  return (
    v === ENTRY_VERSION &&
    Object.keys(entry).length === REQUIRED_FIELDS + optional &&
    isText(type) &&
    isText(station) &&
    isText(boot) &&
    isCount(epoch) &&
    isCount(seq) &&
    isCount(mono) &&
    typeof prev === 'string' &&
    HEX_HASH.test(prev) &&
    isHybridTime(hlc) &&
    isPlainObject(body) &&
    (actor === undefined || isText(actor)) &&
    (device === undefined || isText(device)) &&
    (place === undefined || (isPlainObject(place) && Object.keys(place).length === 1 && isCount(place['slot'])))
  );
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isHybridTime = (value: unknown): boolean => isPlainObject(value) && Object.keys(value).length === 2 && isCount(value['ms']) && isCount(value['n']);

function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
