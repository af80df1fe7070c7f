import { parseEntry, recordedEntry, type LedgerEntry } from '../ledger/entry.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { forgetBook, openBook } from './custody-book.ts';
import { settleBook } from './custody.ts';
import type { Database } from './database.ts';
import { unstorable } from './poison.ts';
import { emptyRows, overlayOn, saveChanges } from './projection-store.ts';
import { recordRequests } from './sanitization-requests.ts';
import { recordUpdates } from './update-requests.ts';

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
    await recordRequests(client, row.station, origin, healed.map(({ recorded }) => recorded), deps.now());
    await recordUpdates(client, row.station, origin, healed.map(({ recorded }) => recorded), deps.now());
    await client.query('update poison_entry set replayed_at_ms = $3 where origin = $1 and seq = any($2::bigint[])', [origin, healed.map(({ entry }) => entry.seq), deps.now()]);
    await forgetBook(client, origin);
    // What ended elsewhere is told with the home cart's next upload.
    await settleBook(client, openBook(client, origin), deps.now(), undefined);
    return { replayed: healed.length, left: waiting.size - healed.length };
  });
}
