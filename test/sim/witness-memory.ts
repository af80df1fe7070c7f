import { z } from 'zod';
import { rawPublicKey } from '../../app/ledger/note.ts';
import { usbSerial } from '../../app/contract/device-host.ts';
import type { Change } from '../../app/domain/tables.ts';
import { emptyRows, settle, type OriginRows } from '../../app/central/projection-store.ts';
import type { Incident, OriginRow } from '../../app/central/witness.ts';
import { Unstorable, type WitnessStore, type WitnessTransaction } from '../../app/central/witness-store.ts';
import { between } from '../../app/simulator/world/random.ts';
import { diskMs, type ProcessLife } from './process-life.ts';

export interface StoredEntry {
  readonly seq: number;
  readonly bytes: Buffer;
}

export interface StoredOrigin {
  readonly row: Omit<OriginRow, 'superseded'>;
  readonly openedAtMs: number | null;
  readonly entries: readonly StoredEntry[];
  /** Rows as JSON, by table and key, as the database keeps them. */
  readonly projection: ReadonlyMap<string, string>;
}

export interface WipeOrder {
  readonly request: string;
  readonly station: string;
  readonly serial: string;
  readonly nonce: string;
  readonly origin: string;
}

/** What the witness's database holds, committed. Rows are replaced, never changed: a backup is a copy of the maps. */
export interface WitnessRows {
  readonly origins: Map<string, StoredOrigin>;
  readonly incidents: Map<string, Incident>;
  /** In the order in which they arrived. */
  readonly orders: Map<string, WipeOrder>;
  readonly poison: string[];
}

export const copyOf = ({ origins, incidents, orders, poison }: WitnessRows): WitnessRows => ({ origins: new Map(origins), incidents: new Map(incidents), orders: new Map(orders), poison: [...poison] });

/** What a database promises and a test may take away. */
export interface WitnessFaults {
  /** `select … for update` keeps nobody out. */
  readonly noRowLock?: boolean;
  /** Two rows may have one origin and one sequence number. */
  readonly noPrimaryKey?: boolean;
  /** The transaction is told to be durable before it is. */
  readonly earlyCommit?: boolean;
}

export interface WitnessMemory {
  rows: WitnessRows;
  /** Transactions waiting for a ledger's row, in order. */
  readonly waiting: Map<string, (() => void)[]>;
}

/** The database as one server process of this life reaches it. `mayDie`: asked at every commit whether the process dies just before or just after it. */
export function witnessInMemory(memory: WitnessMemory, life: ProcessLife, random: () => number, mayDie: () => 'before' | 'after' | undefined, die: () => void, faults: WitnessFaults): WitnessStore & { releaseAll(): void } {
  const locks = new Set<string>();
  const release = (origin: string): void => {
    locks.delete(origin);
    const queue = memory.waiting.get(origin);
    const next = queue?.shift();
    if (next) next();
    else memory.waiting.delete(origin);
  };
  const lock = async (origin: string): Promise<void> => {
    if (faults.noRowLock) return;
    const queue = memory.waiting.get(origin);
    if (queue) await life.hears(new Promise<void>((resolve) => queue.push(() => (life.alive() ? resolve() : release(origin)))));
    else memory.waiting.set(origin, []);
    locks.add(origin);
  };

  const transaction: WitnessStore['transaction'] = async (work) => {
    const writes: ((rows: WitnessRows) => void)[] = [];
    let held: string | undefined;
    let changes: Change[] = [];
    const api: WitnessTransaction = {
      lockOrigin: async (origin) => {
        await lock(origin);
        held = origin;
        await life.pause(between(random, 0, 3), 'the row is read');
        const stored = memory.rows.origins.get(origin);
        return stored && { ...stored.row, superseded: [...memory.rows.origins.values()].some(({ row }) => row.station === stored.row.station && row.epoch > stored.row.epoch) };
      },
      heldEntries: async (origin, from, to) => (memory.rows.origins.get(origin)?.entries ?? []).filter(({ seq }) => seq >= from && seq < to).map(({ bytes }) => bytes),
      projection: async (origin, size, refolded) => projectionOf(memory.rows.origins.get(origin), size, refolded),
      insertEntries: async (origin, accepted) => {
        const fresh = accepted.map(({ seq, bytes }): StoredEntry => ({ seq, bytes }));
        writes.push((rows) => change(rows, origin, (stored) => ({ ...stored, entries: inserted(stored.entries, fresh, faults) })));
      },
      saveEffects: async ({ station, origin, changes: made, healthy }) => {
        changes.push(...made);
        for (const { recorded } of healthy) {
          const order = recorded.type === 'sanitization-requested' ? answerable.safeParse({ ...recorded.body, serial: recorded.device }) : undefined;
          if (!order?.success) continue;
          const { request, nonce, serial } = order.data;
          writes.push((rows) => rows.orders.has(request) || rows.orders.set(request, { request, station, serial, nonce, origin }));
        }
      },
      saveRotations: async (origin, keys) => {
        const rotations = keys.map(({ key, from }) => ({ from, key: rawPublicKey(key.publicKey).toString('base64') }));
        writes.push((rows) => change(rows, origin, (stored) => ({ ...stored, row: { ...stored.row, rotations: [...stored.row.rotations, ...rotations] } })));
      },
      setAside: async (origin, found) => {
        for (const { seq, poison } of found) writes.push((rows) => rows.poison.push(`${origin} ${seq}: ${poison.reason}, ${poison.message}`));
      },
      saveCosigned: async (origin, { size, frontier, lastLeaf, checkpoint, cosignature }, nowMs) => {
        writes.push((rows) =>
          change(rows, origin, (stored) => ({
            ...stored,
            row: { ...stored.row, size, frontier, last_leaf: lastLeaf, checkpoint, cosignature, cosigned_at_ms: nowMs },
            projection: projected(stored.projection, changes),
          })),
        );
      },
      attempt: async (undo) => {
        const before = [writes.length, changes.length] as const;
        try {
          await undo();
        } catch (error) {
          if (!(error instanceof Unstorable)) throw error;
          writes.length = before[0];
          changes = changes.slice(0, before[1]);
          return error;
        }
        return undefined;
      },
    };
    const commit = (): void => {
      const rows = copyOf(memory.rows);
      for (const write of writes) write(rows);
      memory.rows = rows;
    };
    try {
      const result = await work(api);
      const dies = writes.length > 0 ? mayDie() : undefined;
      if (faults.earlyCommit) {
        const late = held;
        held = undefined;
        void life.durably(between(random, 20, 200), 'the server commits late', commit).then(() => late !== undefined && locks.has(late) && release(late));
        if (dies) life.after(between(random, 10, 30), 'a server process dies', die);
        return result;
      }
      await life.pause(diskMs(random), 'the server commits');
      if (dies === 'before') die();
      if (life.alive()) commit();
      if (dies === 'after') die();
      return await life.hears(Promise.resolve(result));
    } finally {
      if (held !== undefined && locks.has(held)) release(held);
    }
  };
  return {
    transaction,
    recordIncident: async (incident) => void memory.rows.incidents.set(`${incident.origin} ${incident.kind} ${incident.evidence}`, incident),
    releaseAll: () => {
      for (const origin of [...locks]) release(origin);
    },
  };
}

const answerable = z.object({ request: z.string().min(1).max(64), nonce: z.string().regex(/^[0-9a-f]{32}$/), serial: usbSerial });

function change(rows: WitnessRows, origin: string, next: (stored: StoredOrigin) => StoredOrigin): void {
  const stored = rows.origins.get(origin);
  if (!stored) throw new Error(`a transaction writes to ${origin}, which does not exist`);
  rows.origins.set(origin, next(stored));
}

/** Where the key is doubled, the database names it (SQLSTATE 23505, a data exception). */
function inserted(entries: readonly StoredEntry[], fresh: readonly StoredEntry[], faults: WitnessFaults): readonly StoredEntry[] {
  const held = new Set(entries.map(({ seq }) => seq));
  if (!faults.noPrimaryKey && fresh.some(({ seq }) => held.has(seq))) throw new Unstorable('duplicate key value violates unique constraint "entry_pkey"');
  return [...entries, ...fresh];
}

function projected(before: ReadonlyMap<string, string>, changes: readonly Change[]): ReadonlyMap<string, string> {
  const after = new Map(before);
  for (const { table, key, row } of changes) {
    if (row === undefined) after.delete(`${table} ${key}`);
    else after.set(`${table} ${key}`, JSON.stringify({ table, key, row }));
  }
  return after;
}

/** The stored projection as rows. */
export function projectionOf(stored: StoredOrigin | undefined, size: number, refolded: number): OriginRows {
  return settle(emptyRows(size, refolded), [...(stored?.projection.values() ?? [])].map((text) => JSON.parse(text) as Change), size);
}
