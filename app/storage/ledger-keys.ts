import type { KeyObject } from 'node:crypto';
import { openCheckpoint } from '../ledger/checkpoint.ts';
import { encodeVkey, verifierKey, type VerifierKey } from '../ledger/note.ts';
import { Inconsistent, type Loaded } from './load.ts';
import type { StoredRange, StoreOptions } from './store.ts';

/** The key that signs the ledger's checkpoints now, and which keys signed from which size on. */
export interface LedgerKeys {
  readonly key: VerifierKey;
  readonly privateKey: KeyObject;
  /** By rising `from`; the last is `key`. */
  readonly ranges: readonly StoredRange[];
}

/** Written in the transaction of the entry that changes the key: the ledger's own word on which key signs. */
const LEDGER_KEYS_META = 'ledger-keys';

/**
 * Of the two keys that the identity may hold, the one that goes on signing; undefined where the ledger is signed by neither. A
 * ledger whose key was never changed says so by its last checkpoint. Throws `Inconsistent` where its own record is damaged.
 */
export function keysOf({ meta, head }: Pick<Loaded, 'meta' | 'head'>, { origin, signingKey, nextKey }: Pick<StoreOptions, 'origin' | 'signingKey' | 'nextKey'>): LedgerKeys | undefined {
  const own = { key: verifierKey(origin, signingKey), privateKey: signingKey };
  const text = meta.get(LEDGER_KEYS_META);
  if (text === undefined) {
    const signed = head.checkpoint === undefined || openCheckpoint(head.checkpoint.note, own.key).ok;
    return signed ? { ...own, ranges: [{ vkey: encodeVkey(own.key), from: 0 }] } : undefined;
  }
  const ranges = parseRanges(text);
  const held = nextKey ? [own, { key: verifierKey(origin, nextKey), privateKey: nextKey }] : [own];
  const found = held.find(({ key }) => encodeVkey(key) === ranges.at(-1)?.vkey);
  return found && { ...found, ranges };
}

/** The keys once `next` signs checkpoints of more than `from` entries, and the metadata that says so. */
export function rotatedKeys({ ranges: before }: LedgerKeys, origin: string, next: KeyObject, from: number): { readonly keys: LedgerKeys; readonly meta: Readonly<Record<string, string>> } {
  const key = verifierKey(origin, next);
  const ranges = [...before, { vkey: encodeVkey(key), from }];
  return { keys: { key, privateKey: next, ranges }, meta: { [LEDGER_KEYS_META]: JSON.stringify(ranges) } };
}

function parseRanges(text: string): readonly StoredRange[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Inconsistent('the record of the ledger’s keys is not JSON', { cause });
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every(isRange)) throw new Inconsistent('the record of the ledger’s keys is not a list of them');
  return value;
}

function isRange(value: unknown): value is StoredRange {
  if (typeof value !== 'object' || value === null || !('vkey' in value) || !('from' in value)) return false;
  return typeof value.vkey === 'string' && Number.isSafeInteger(value.from);
}
