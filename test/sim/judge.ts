import { openCheckpoint, verifyCosignature } from '../../app/ledger/checkpoint.ts';
import { createCustodyJudge, differingTables } from '../../app/ledger/custody.ts';
import { parseEntry, recordedEntry } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { publicKeyFrom, verifierKey } from '../../app/ledger/note.ts';
import { createProjections } from '../../app/storage/projections.ts';
import type { Change } from '../../app/domain/tables.ts';
import type { Cart, CartWatch } from './cart.ts';
import type { Central } from './central-processes.ts';
import { entriesOn, projectionOn } from './memory-disk.ts';
import type { WardTruth } from './ward-truth.ts';
import { projectionOf, type StoredOrigin } from './witness-memory.ts';
import { SERVER_KEYS } from './world-keys.ts';

/** What was done to the world that explains an incident, a new epoch or a lost database. */
export interface Causes {
  /** Stations whose disk was restored or copied. */
  readonly disks: Set<string>;
  /** True time at which the server's database was last put back to an older state. */
  serverRestoredMs: number | undefined;
}

export interface Judge extends CartWatch {
  readonly divergences: string[];
  readonly offers: { made: number };
  /** After the world has healed and everything has drained. */
  judgeAll(carts: readonly Cart[], central: Central, entries: { count: number }): void;
}

/** Holds the world to what the system promises. Knows what really happened; believes nobody's own word. */
export function createJudge(truth: WardTruth, central: Central, causes: Causes, nowMs: () => number): Judge {
  const divergences: string[] = [];
  const offers = { made: 0 };
  /** Bytes of every entry that a station has been told is acknowledged, by ledger. */
  const acknowledged = new Map<string, (Buffer | undefined)[]>();
  /** One copy of a cart may have sent what another is then told of: with the same bytes, which the checkpoint's root vouches for. */
  const copied = (origin: string): boolean => [...causes.disks].some((station) => origin.includes(`/station/${station}/`));
  /** Server and cart were both put back to older states: what both have lost, nobody can know of. */
  const bothLost = (origin: string): boolean => causes.serverRestoredMs !== undefined && copied(origin);
  const diverged = (what: string): void => void divergences.push(`at ${nowMs()}: ${what}`);

  return {
    divergences,
    offers,
    diverged,
    offering: (cart, { device, slot }) => {
      offers.made += 1;
      const wrong = truth.unfit(device ?? '', cart, slot ?? 0);
      if (wrong.length > 0) diverged(`${cart} offers ${device} in slot ${slot}, which is not fit: ${wrong.join(', ')}`);
    },
    heard: (cart, method, path, body, answer) => {
      if (method !== 'POST' || path !== '/v1/log/entries' || answer.status !== 200) return;
      const { origin, from, entries } = body as { origin: string; from: number; entries: string[] };
      const { size } = JSON.parse(answer.text) as { size: number };
      const known = acknowledged.get(origin) ?? [];
      acknowledged.set(origin, known);
      if (from > known.length && !copied(origin)) diverged(`${cart} sends ${origin} from ${from}, and only ${known.length} entries were ever acknowledged`);
      for (const [index, text] of entries.entries()) {
        const bytes = Buffer.from(text, 'base64');
        const before = known[from + index];
        if (before && !before.equals(bytes) && !bothLost(origin)) diverged(`entry ${from + index} of ${origin} is acknowledged a second time with other bytes`);
        known[from + index] ??= bytes;
      }
      if (size > known.length && !copied(origin)) diverged(`${origin} is acknowledged up to ${size}, and only ${known.length} entries were sent`);
      known.length = Math.max(known.length, size);
      const held = central.rows().origins.get(origin)?.entries.length ?? 0;
      if (held < size && causes.serverRestoredMs === undefined) diverged(`${origin} is acknowledged up to ${size}, and ${held} entries are durable`);
    },
    marked: (cart, origin, size) => {
      const told = acknowledged.get(origin)?.length ?? 0;
      if (size > told) diverged(`${cart} keeps ${size} entries of ${origin} as acknowledged, and was told so of ${told}`);
    },
    forked: (cart, cause) => {
      const station = cart.replace(/-clone$/, '');
      if (!causes.disks.has(station)) diverged(`${cart} gives its ledger up (${cause}), and nothing was done to its disk`);
    },
    judgeAll: (carts, server, entries) => {
      const { origins, incidents, poison } = server.rows();
      for (const text of poison) diverged(`poison: ${text}`);
      for (const { kind, station, origin, detail } of incidents.values()) {
        const explained = kind === 'witness-behind' ? causes.serverRestoredMs !== undefined : causes.disks.has(station) && kind !== 'invalid-upload';
        if (!explained) diverged(`an incident that nothing explains: ${kind} on ${origin} ${JSON.stringify(detail)}`);
      }
      for (const [origin, bytes] of acknowledged) {
        if (bothLost(origin)) continue;
        const held = origins.get(origin)?.entries ?? [];
        for (const [seq, wanted] of bytes.entries()) {
          if (!wanted) continue;
          const found = held.filter((entry) => entry.seq === seq);
          if (found.length !== 1) diverged(`entry ${seq} of ${origin} was acknowledged and is on the server ${found.length} times`);
          else if (!found[0]?.bytes.equals(wanted)) diverged(`entry ${seq} of ${origin} is not what was acknowledged`);
        }
      }
      const releases = new Set<string>();
      for (const [origin, stored] of origins) {
        entries.count += stored.entries.length;
        const folded = judgeOrigin(origin, stored, releases, diverged);
        for (const cart of carts) {
          const { ledger } = cart.disk;
          if (cart.running()?.origin !== origin || !ledger) continue;
          const own = entriesOn(ledger);
          if (own.length !== stored.entries.length || own.some((bytes, seq) => !stored.entries[seq]?.bytes.equals(bytes))) diverged(`${cart.name} and the server hold different entries of ${origin}: ${own.length} and ${stored.entries.length}`);
          const rows = createProjections(projectionOn(ledger).map(({ name, key, row }) => ({ table: name, key, row: JSON.parse(row) as never }) as Change));
          for (const table of differingTables(folded, rows)) diverged(`${cart.name}'s table ${table} is not the fold of its entries`);
        }
      }
    },
  };
}

/** The key that signs at the ledger's size. */
const keyAt = ({ ledger_key, rotations, size }: StoredOrigin['row']): Buffer => {
  const last = rotations.findLast(({ from }) => from < size);
  return last ? Buffer.from(last.key, 'base64') : ledger_key;
};

/** One ledger on the server: whole, in order, chained, under its checkpoint; its projection is the fold of its entries. */
function judgeOrigin(origin: string, stored: StoredOrigin, releases: Set<string>, diverged: (what: string) => void): ReturnType<typeof createCustodyJudge>['view'] {
  const custody = createCustodyJudge(() => undefined);
  let frontier = EMPTY_FRONTIER;
  for (const [at, { seq, bytes }] of stored.entries.entries()) {
    const leaf = leafHash(bytes);
    frontier = append(frontier, leaf);
    const parsed = parseEntry(bytes);
    if (!parsed.ok || seq !== at || parsed.value.seq !== at) {
      diverged(`entry ${at} of ${origin} is out of order or cannot be read`);
      continue;
    }
    const recorded = recordedEntry(parsed.value, leaf);
    const wrong = custody.push(recorded);
    if (wrong !== undefined) diverged(`entry ${at} of ${origin} (${recorded.type}): ${wrong}`);
    if (recorded.type === 'offered' || recorded.type === 'wrong-pull' || recorded.type === 'unidentified-removal') {
      if (releases.has(recorded.body.release)) diverged(`the release ${recorded.body.release} was begun twice`);
      releases.add(recorded.body.release);
    }
  }
  const { row } = stored;
  if (row.size !== stored.entries.length) diverged(`${origin} says ${row.size} and holds ${stored.entries.length} entries`);
  const rows = projectionOf(stored, row.size, row.refolded).rows;
  for (const table of differingTables(custody.view, { get: (name, key) => rows[name].get(key), all: (name) => rows[name].values() })) diverged(`the server's table ${table} of ${origin} is not the fold of its entries`);
  if (row.checkpoint === null || row.cosignature === null) return custody.view;
  const opened = openCheckpoint(row.checkpoint, verifierKey(origin, publicKeyFrom(keyAt(row))));
  if (!opened.ok || opened.value.size !== row.size || !opened.value.root.equals(rootOf(frontier))) diverged(`the last checkpoint of ${origin} is not that of its entries`);
  if (!verifyCosignature(row.checkpoint, row.cosignature, SERVER_KEYS.witness.verifier).ok) diverged(`the cosignature of ${origin} does not hold`);
  return custody.view;
}
