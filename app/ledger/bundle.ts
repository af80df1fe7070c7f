import type { LedgerValue } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { canonicalText } from './canonical.ts';
import { encodeVkey, parseVkey, type VerifierKey } from './note.ts';
import { tarEnd, tarFile } from './tar.ts';
import { createTileTree, entryBundle, TILE_WIDTH, tilePath, tilesInOrder } from './tiles.ts';

/** A ledger key and the tree sizes whose checkpoints it signs: `from` < size ≤ `to` (the first range also size 0). */
export interface KeyRange {
  readonly key: VerifierKey;
  readonly from: number;
  readonly to: number;
  /** Absent while nobody has revoked it. */
  readonly revoked?: Revoked;
}

/** A key that is not believed any more: entries from `atSize` on, whoever signed them, were not seen by the witness before. `time`: Unix seconds. */
export interface Revoked {
  readonly atSize: number;
  readonly time: number;
}

/** The file `keys` of a bundle. */
export interface BundleKeys {
  readonly ranges: readonly KeyRange[];
  /** The witness whose cosignature the ledger must carry. */
  readonly witness: VerifierKey;
}

export interface BundleParts {
  /** Signed note; with the cosignature line under it where the witness has signed this very size. */
  readonly checkpoint: string;
  /** The last checkpoint that the witness has cosigned, where that is an older one. */
  readonly cosigned: string | undefined;
  readonly size: number;
  readonly keys: BundleKeys;
  /** Policy bundles that were in force, as compact JWS, by rising version. */
  readonly policies: readonly { readonly version: number; readonly jws: string }[];
  /** `count` entries from `from` on, in order. */
  entries(from: number, count: number): Promise<readonly Uint8Array[]>;
}

/** A bundle as its canonical tar, chunk by chunk, holding at most 256 entries. Throws where the ledger lacks an entry. */
export async function* writeBundle(parts: BundleParts): AsyncGenerator<Buffer> {
  const text = (name: string, content: string): Buffer => tarFile({ name, content: Buffer.from(content) });
  yield text('checkpoint', parts.checkpoint);
  if (parts.cosigned !== undefined) yield text('cosigned', parts.cosigned);
  yield text('keys', keysText(parts.keys));
  for (const { version, jws } of parts.policies) yield text(`policy/${version}.jws`, jws);

  const tree = createTileTree();
  let entries: readonly Uint8Array[] = [];
  let completed: Buffer[] = [];
  for (const tile of tilesInOrder(parts.size)) {
    const name = tilePath(tile);
    if (tile.level === 0) {
      entries = await parts.entries(tile.index * TILE_WIDTH, tile.width);
      if (entries.length !== tile.width) throw new Error(`the ledger holds ${tile.index * TILE_WIDTH + entries.length} entries and should hold ${parts.size}`);
      completed = [];
      let leaves = '';
      for (const bytes of entries) {
        leaves += tree.add(bytes);
        completed.push(...tree.completed);
      }
      yield tarFile({ name, content: Buffer.from(leaves, 'hex') });
    } else if (tile.level === 'entries') {
      yield tarFile({ name, content: entryBundle(entries) });
    } else {
      yield tarFile({ name, content: tile.width === TILE_WIDTH ? (completed.shift() ?? Buffer.alloc(0)) : tree.partial(tile.level) });
    }
  }
  yield tarEnd();
}

/** A range as it is published, by the server's list of ledgers too. */
export const publishedRange = ({ key, from, to, revoked }: KeyRange): PublishedRange => ({ vkey: encodeVkey(key), from, to, ...(revoked ? { revoked: { ...revoked } } : {}) });
export type PublishedRange = { vkey: string; from: number; to: number; revoked?: { atSize: number; time: number } };

/** The file `keys`, canonical JSON and a newline. */
export function keysText({ ranges, witness }: BundleKeys): string {
  return `${canonicalText({ keys: ranges.map(publishedRange), witness: encodeVkey(witness) })}\n`;
}

export const KEYS_FAULTS = ['malformed', 'key', 'witness-key', 'ranges'] as const;
export type KeysFault = (typeof KEYS_FAULTS)[number];

/** Reads `keys` of a ledger of this size: one spelling, keys that name this origin, ranges without gap or overlap from 0 to `size`. */
export function parseKeys(text: string, origin: string, size: number): Result<BundleKeys, KeysFault> {
  const file = parseJson(text);
  if (!isRecord(file) || !Array.isArray(file['keys']) || typeof file['witness'] !== 'string') return refused('malformed');
  const ranges: KeyRange[] = [];
  let from = 0;
  for (const item of file['keys'] as unknown[]) {
    if (!isRecord(item) || typeof item['vkey'] !== 'string' || !Number.isSafeInteger(item['from']) || !Number.isSafeInteger(item['to'])) return refused('malformed');
    const revoked = item['revoked'] === undefined ? undefined : parseRevoked(item['revoked']);
    if (revoked === 'malformed') return refused('malformed');
    const range = { from: Number(item['from']), to: Number(item['to']), ...(revoked ? { revoked } : {}) };
    const key = parseVkey(item['vkey']);
    if (!key.ok || key.value.type !== 'ed25519' || key.value.name !== origin) return refused('key');
    if (range.from !== from || range.to < range.from || (range.to === range.from && ranges.length > 0)) return refused('ranges');
    from = range.to;
    ranges.push({ key: key.value, ...range });
  }
  const witness = parseVkey(file['witness']);
  if (!witness.ok || witness.value.type !== 'cosignature') return refused('witness-key');
  if (ranges.length === 0 || from !== size) return refused('ranges');
  const keys = { ranges, witness: witness.value };
  return keysText(keys) === text ? ok(keys) : refused('malformed');
}

/** Of the year 9999: later ones have no spelling that a person could read. */
const LAST_SECOND = 253_402_300_799;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function parseRevoked(value: unknown): Revoked | 'malformed' {
  if (!isRecord(value)) return 'malformed';
  const { atSize, time } = value;
  return isCount(atSize) && isCount(time) && Number(time) <= LAST_SECOND ? { atSize: Number(atSize), time: Number(time) } : 'malformed';
}

/** The key that signs checkpoints of this size. */
export function keyAt({ ranges }: Pick<BundleKeys, 'ranges'>, size: number): VerifierKey | undefined {
  return (ranges.find(({ from, to }) => from < size && size <= to) ?? (size === 0 ? ranges[0] : undefined))?.key;
}

function parseJson(text: string): LedgerValue | undefined {
  try {
    return JSON.parse(text) as LedgerValue;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } => typeof value === 'object' && value !== null && !Array.isArray(value);
