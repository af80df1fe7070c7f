import { openBook, type CustodyBook } from './custody-book.ts';
import { settleBook, type StateElsewhere } from './custody.ts';
import type { Database, Queryable } from './database.ts';
import { inOrder } from './in-order.ts';
import { ROTATIONS, saveRotations } from './key-ranges.ts';
import { isDataException, setAside } from './poison.ts';
import { loadRows, saveChanges } from './projection-store.ts';
import { recordRequests } from './sanitization-requests.ts';
import { recordUpdates } from './update-requests.ts';
import { saveSubtrees } from './subtrees.ts';
import { recordIncident, type Accepted, type OriginRow } from './witness.ts';
import { Unstorable, type WitnessStore, type WitnessTransaction } from './witness-store.ts';

/** The witness's store on PostgreSQL. SQLSTATE classes 22 and 23 become `Unstorable`. Without `stateElsewhere` no home cart is told of a return elsewhere. */
export function witnessOnPostgres(database: Pick<Database, 'transaction' | 'query'>, stateElsewhere?: StateElsewhere): WitnessStore {
  return {
    transaction: async (work) => {
      try {
        return await database.transaction((client) => work(transactionOn(client, stateElsewhere)));
      } catch (error) {
        throw isDataException(error) ? new Unstorable(error.message, { cause: error }) : error;
      }
    },
    recordIncident: (incident, nowMs) => recordIncident(database, incident, nowMs),
  };
}

function transactionOn(client: Queryable, stateElsewhere: StateElsewhere | undefined): WitnessTransaction {
  let book: CustodyBook | undefined;
  return {
    lockOrigin: (origin) => lockOrigin(client, origin),
    heldEntries: async (origin, from, to) => {
      const held = await client.query<{ bytes: Buffer }>('select bytes from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, to]);
      return held.rows.map(({ bytes }) => bytes);
    },
    projection: (origin, size, refolded) => loadRows(client, origin, size, refolded),
    insertEntries: (origin, accepted, nowMs) => {
      if (accepted.length === 0) return Promise.resolve();
      // Asked before the entries are sent: the answer is worked on while they are stored.
      (book ??= openBook(client, origin)).expect(accepted.flatMap(({ read }) => read?.recorded ?? []));
      return insertEntries(client, origin, accepted, nowMs);
    },
    saveEffects: async ({ station, origin, changes, healthy }, nowMs) => {
      const stored = inOrder([saveChanges(client, origin, changes), recordRequests(client, station, origin, healthy.map(({ recorded }) => recorded), nowMs), recordUpdates(client, station, origin, healthy.map(({ recorded }) => recorded), nowMs)]);
      const taken = (book ??= openBook(client, origin)).take(healthy.map(({ entry, recorded }) => ({ ...recorded, boot: entry.boot, monoMs: entry.mono })), stored);
      await inOrder([stored, taken]);
    },
    saveRotations: (origin, keys, nowMs) => saveRotations(client, origin, keys, nowMs),
    setAside: (origin, found, nowMs) => setAside(client, origin, found, nowMs),
    saveCosigned: async (origin, { size, frontier, subtrees, lastLeaf, checkpoint, cosignature }, nowMs) => {
      await inOrder([
        saveSubtrees(client, origin, subtrees),
        client.query('update origin set size = $2, frontier = $3, last_leaf = $4, checkpoint = $5, cosignature = $6, cosigned_at_ms = $7 where origin = $1', [origin, size, frontier, lastLeaf, checkpoint, cosignature, nowMs]),
        ...(book ? [settleBook(client, book, nowMs, stateElsewhere, { size, atMs: nowMs })] : []),
      ]);
    },
    attempt: async (work) => {
      await client.query('savepoint one_entry');
      try {
        await work();
      } catch (error) {
        if (!isDataException(error)) throw error;
        await client.query('rollback to savepoint one_entry');
        return new Unstorable(error.message, { cause: error });
      } finally {
        // It fails only on a transaction that is lost already, and what lost it is thrown.
        await client.query('release savepoint one_entry').catch(() => undefined);
      }
      return undefined;
    },
  };
}

async function lockOrigin(client: Queryable, origin: string): Promise<OriginRow | undefined> {
  const found = await client.query<OriginRow>(
    `select station, epoch, ledger_key, ${ROTATIONS}, key_revoked_at_ms, size, frontier, last_leaf, checkpoint, cosignature, cosigned_at_ms, refolded,
            exists (select 1 from origin as later where later.station = origin.station and later.epoch > origin.epoch) as superseded
     from origin where origin = $1 for update`,
    [origin],
  );
  return found.rows[0];
}

/** The columns beside the bytes are for searching. */
async function insertEntries(client: Queryable, origin: string, accepted: readonly Accepted[], nowMs: number): Promise<void> {
  const columns = accepted.map(({ read, poison }) => (read && poison?.reason !== 'unstorable' ? read.entry : undefined));
  // Bytes and leaves travel as one binary value each: as arrays of text they cost more than everything else of an upload.
  let end = 1;
  const starts = accepted.map(({ bytes }) => (end += bytes.length) - bytes.length);
  await client.query(
    `insert into entry (origin, seq, bytes, leaf, type, device, actor, slot, at_ms)
     select $1, seq, substring($2::bytea from start for length), substring($3::bytea from (32 * (at - 1) + 1)::int for 32), type, device, actor, slot, at_ms
     from unnest($4::bigint[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::int[], $11::bigint[]) with ordinality as fresh (seq, start, length, type, device, actor, slot, at_ms, at)`,
    [
      origin,
      Buffer.concat(accepted.map(({ bytes }) => bytes)),
      Buffer.concat(accepted.map(({ leaf }) => leaf)),
      accepted.map(({ seq }) => seq),
      starts,
      accepted.map(({ bytes }) => bytes.length),
      columns.map((entry) => entry?.type ?? 'poison'),
      columns.map((entry) => entry?.device ?? null),
      columns.map((entry) => entry?.actor ?? null),
      columns.map((entry) => entry?.place?.slot ?? null),
      accepted.map(({ read }) => read?.entry.hlc.ms ?? nowMs),
    ],
  );
}
