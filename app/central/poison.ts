import { parseEntry, recordedEntry, type LedgerEntry } from '../ledger/entry.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { CartView, Change } from '../domain/tables.ts';
import type { Database, Queryable } from './database.ts';
import { recordPlacements } from './placements.ts';
import { emptyRows, overlayOn, saveChanges } from './projection-store.ts';
import { recordRequests } from './sanitization-requests.ts';

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

const PAGE = 1_000;

/**
 * Folds a ledger anew from its first entry, as a program that has been mended: what it now understands takes effect, in its
 * place in the order, and is marked replayed; the rest stays set aside. Gives how many of each. One transaction.
 */
export async function replayPoison(deps: { readonly database: Database; readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[]; readonly now: () => number }, origin: string): Promise<{ readonly replayed: number; readonly left: number }> {
  return deps.database.transaction(async (client) => {
    const row = (await client.query<{ station: string; size: number }>('select station, size from origin where origin = $1 for update', [origin])).rows[0];
    if (!row) throw new Error(`there is no ledger ${origin}`);
    const waiting = new Set((await client.query<{ seq: number }>('select seq from poison_entry where origin = $1 and replayed_at_ms is null', [origin])).rows.map(({ seq }) => seq));
    if (waiting.size === 0) return { replayed: 0, left: 0 };
    const overlay = overlayOn(emptyRows());
    const healed: { readonly entry: LedgerEntry; readonly recorded: RecordedEntry }[] = [];
    for (let from = 0; from < row.size; from += PAGE) {
      const page = await client.query<{ seq: number; bytes: Buffer; leaf: Buffer }>('select seq, bytes, leaf from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, from + PAGE]);
      for (const { seq, bytes, leaf } of page.rows) {
        const parsed = parseEntry(bytes);
        if (!parsed.ok || unstorable(parsed.value)) continue;
        const recorded = recordedEntry(parsed.value, leaf);
        try {
          const changes = deps.project(overlay.view, recorded);
          if (JSON.stringify(changes).includes('\\u0000')) continue;
          overlay.apply(changes);
        } catch (error) {
          if (waiting.has(seq)) continue;
          throw new Error(`entry ${seq} of ${origin} took effect before and cannot be folded now; nothing was changed`, { cause: error });
        }
        if (waiting.has(seq)) healed.push({ entry: parsed.value, recorded });
      }
    }
    await client.query('delete from projection where origin = $1', [origin]);
    await saveChanges(client, origin, overlay.changes());
    await client.query('update origin set refolded = refolded + 1 where origin = $1', [origin]);
    await recordPlacements(client, origin, healed.map(({ entry }) => entry));
    await recordRequests(client, row.station, origin, healed.map(({ recorded }) => recorded), deps.now());
    await client.query('update poison_entry set replayed_at_ms = $3 where origin = $1 and seq = any($2::bigint[])', [origin, healed.map(({ entry }) => entry.seq), deps.now()]);
    return { replayed: healed.length, left: waiting.size - healed.length };
  });
}
