import type { LedgerEntry } from '../ledger/entry.ts';
import type { Queryable } from './database.ts';

/** Why an entry's effect was set aside. Its leaf stands in the tree and its bytes are served to auditors all the same. */
export interface Poison {
  readonly reason: 'unreadable' | 'unstorable' | 'unfoldable';
  readonly message: string;
}

/** An entry whose effect was set aside. */
export interface Found {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly poison: Poison;
}

const LARGEST_INT = 2_147_483_647;

/** Whether PostgreSQL has no place for a value of the entry's envelope: NUL in a text, a slot beyond its integers. */
export function unstorable(entry: LedgerEntry): Poison | undefined {
  if ([entry.type, entry.device, entry.actor].some((text) => text?.includes('\0'))) return { reason: 'unstorable', message: 'A text of its envelope holds a NUL character.' };
  if ((entry.place?.slot ?? 0) > LARGEST_INT) return { reason: 'unstorable', message: 'Its slot is no number that a cart has.' };
  return undefined;
}

export const unfoldable = (error: unknown): Poison => ({ reason: 'unfoldable', message: error instanceof Error ? error.message : String(error) });

/** SQLSTATE classes 22 and 23: the values themselves (a NUL character, a number out of range, a broken reference) are at fault, not the database. */
export function isDataException(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]/.test(error.code) && error.code.length === 5;
}

export async function setAside(client: Queryable, origin: string, found: readonly Found[], nowMs: number): Promise<void> {
  if (found.length === 0) return;
  await client.query(
    `insert into poison_entry (origin, seq, bytes, reason, message, found_at_ms)
     select $1, seq, bytes, reason, message, $6 from unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[]) as found (seq, bytes, reason, message)`,
    [origin, found.map(({ seq }) => seq), found.map(({ bytes }) => bytes), found.map(({ poison }) => poison.reason), found.map(({ poison }) => poison.message.replaceAll('\0', '\uFFFD')), nowMs],
  );
}
