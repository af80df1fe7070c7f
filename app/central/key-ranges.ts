import { ok, refused, type Result } from '../domain/result.ts';
import type { KeyRange } from '../ledger/bundle.ts';
import { encodeVkey, publicKeyFrom, rawPublicKey, verifierKey, type VerifierKey } from '../ledger/note.ts';
import { bundleChanged } from './bundle-changed.ts';
import type { Database, Queryable } from './database.ts';
import type { Refusal } from './http-reply.ts';
import type { OriginRow } from './witness.ts';

/** A key of a ledger: it signs checkpoints of more than `from` entries, until the next one does. */
export interface LedgerKey {
  readonly key: VerifierKey;
  readonly from: number;
}

/** A rotation as the database holds it; `key` is the base64 of the raw public key. */
export interface StoredRotation {
  readonly from: number;
  readonly key: string;
}

export type KeyColumns = Pick<OriginRow, 'ledger_key' | 'rotations'>;
/** Of a row of `origin`, read in one statement. */
export type PublishedColumns = Pick<OriginRow, 'ledger_key' | 'rotations' | 'size' | 'key_revoked_at_ms'> & { readonly origin: string };

/** The column `rotations` of a row of `origin`, for a select from it. */
export const ROTATIONS = `(select coalesce(json_agg(json_build_object('from', from_size, 'key', encode(public_key, 'base64')) order by from_size), '[]') from ledger_key_rotation as r where r.origin = origin.origin) as rotations`;

/** By rising `from`; the last one signs now. */
export function keysOf(origin: string, { ledger_key, rotations }: KeyColumns): readonly LedgerKey[] {
  const first = { key: verifierKey(origin, publicKeyFrom(ledger_key)), from: 0 };
  return [first, ...rotations.map(({ from, key }) => ({ key: verifierKey(origin, publicKeyFrom(Buffer.from(key, 'base64'))), from }))];
}

/** The same with where each one's sizes end, as it is published. Of a revoked key nothing was cosigned after the ledger's size. */
export function rangesOf({ origin, size, key_revoked_at_ms, ...columns }: PublishedColumns): readonly KeyRange[] {
  const keys = keysOf(origin, columns);
  const revoked = key_revoked_at_ms === null ? {} : { revoked: { atSize: size, time: Math.floor(key_revoked_at_ms / 1_000) } };
  return keys.map(({ key, from }, index) => ({ key, from, to: keys[index + 1]?.from ?? size, ...(index === keys.length - 1 ? revoked : {}) }));
}

export async function saveRotations(client: Queryable, origin: string, keys: readonly LedgerKey[], nowMs: number): Promise<void> {
  for (const { key, from } of keys) {
    await client.query('insert into ledger_key_rotation (origin, from_size, public_key, recorded_at_ms) values ($1, $2, $3, $4)', [origin, from, rawPublicKey(key.publicKey), nowMs]);
  }
}

/** What a policy bundle says of ledger keys: which an administrator wants replaced, which are revoked. */
export async function keyOrders(client: Queryable): Promise<{ readonly rotateKeys: { vkey: string }[]; readonly revokedKeys: { origin: string; vkey: string; afterSize: number; time: number }[] }> {
  const found = await client.query<PublishedColumns & { rotate_key: Buffer | null }>(
    `select origin, size, ledger_key, rotate_key, key_revoked_at_ms, ${ROTATIONS} from origin where rotate_key is not null or key_revoked_at_ms is not null order by origin`,
  );
  const current = found.rows.map((row) => ({ ...row, key: keysOf(row.origin, row).at(-1)?.key }));
  return {
    rotateKeys: current.flatMap(({ key, rotate_key, key_revoked_at_ms }) => (key && rotate_key && key_revoked_at_ms === null && rawPublicKey(key.publicKey).equals(rotate_key) ? [{ vkey: encodeVkey(key) }] : [])),
    revokedKeys: current.flatMap(({ origin, key, size, key_revoked_at_ms }) => (key && key_revoked_at_ms !== null ? [{ origin, vkey: encodeVkey(key), afterSize: size, time: Math.floor(key_revoked_at_ms / 1_000) }] : [])),
  };
}

/** In the transaction that denies a station: from here on nothing more of its ledgers is cosigned. An upload under way is waited for. */
export async function revokeKeys(client: Queryable, station: string, nowMs: number): Promise<void> {
  await client.query('update origin set key_revoked_at_ms = coalesce(key_revoked_at_ms, $2) where station = $1', [station, nowMs]);
}

/** An administrator wants the key of the ledger that a station writes replaced. The order names the key, so that it is obeyed once and is over with it. */
export async function orderRotation(database: Database, station: string): Promise<Result<void, Refusal>> {
  return database.transaction(async (client) => {
    const found = await client.query<PublishedColumns>(`select origin, size, ledger_key, key_revoked_at_ms, ${ROTATIONS} from origin where station = $1 order by epoch desc limit 1 for update`, [station]);
    const row = found.rows[0];
    const key = row && keysOf(row.origin, row).at(-1)?.key;
    if (!row || !key) return refused({ reason: 'not-found', message: `There is no station "${station}".` });
    if (row.key_revoked_at_ms !== null) return refused({ reason: 'conflict', message: 'This station is on the deny-list: its key is revoked, and it gets no other.' });
    await client.query('update origin set rotate_key = $2 where origin = $1', [row.origin, rawPublicKey(key.publicKey)]);
    await bundleChanged(client);
    return ok(undefined);
  });
}
