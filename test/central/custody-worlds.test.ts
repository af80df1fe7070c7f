import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../app/central/database.ts';
import type { CustodyInterval } from '../../app/domain/custody-intervals.ts';
import { judgeCustody } from '../../app/domain/custody-order.ts';
import { createLedgerReader, type LedgerReader } from '../../app/domain/ledger-history.ts';
import { signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS, parseEntry } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, rootOf } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { timedEntry } from '../../app/ledger/timed-entry.ts';
import { randomWorld, type World } from '../support/moving-tablets.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { takingUploads } from './custody-cart.ts';
import { startTestCentral, type TestCentral } from './demo-central.ts';

const WORLDS = process.env['DOCKWARD_LONG'] === '1' ? 150 : 2;

let postgres: TestPostgres;
let central: TestCentral;
let other: Database;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  other = await openDatabase(central.options.databaseUrl, () => undefined);
});
afterAll(async () => {
  await other.close();
  await central.close();
  await postgres.stop();
});

interface Told {
  readonly readers: readonly LedgerReader[];
  readonly originOf: (cart: number) => string;
}

/** Uploads a world to two processes of the server by turns, and reads the same ledgers whole beside it. */
async function tell(world: World, seed: number): Promise<Told> {
  const processes = [takingUploads(central), takingUploads(central, other)];
  const originOf = (cart: number): string => `${central.keys.tenant}/station/w${seed}-${cart}/e1`;
  const carts = await Promise.all(
    world.ledgers.map(async (_, cart) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      await central.database.query(`insert into station (id, ward, cart, shelves, encryption_key, certificate_until_ms, enrolled_at_ms) values ($1, '7e', $1, '[]', '{}', 0, 0)`, [`w${seed}-${cart}`]);
      await central.database.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, 1, $3)', [originOf(cart), `w${seed}-${cart}`, rawPublicKey(privateKey)]);
      return { station: `w${seed}-${cart}`, origin: originOf(cart), privateKey, size: 0, prev: NO_PREVIOUS, frontier: EMPTY_FRONTIER, hlc: { ms: 0, n: 0 }, reader: createLedgerReader(originOf(cart)) };
    }),
  );
  for (const [turn, { cart: index, size, atMs }] of world.uploads.entries()) {
    const cart = carts[index];
    if (!cart) throw new Error('no such cart');
    central.clock.ms = atMs;
    const from = cart.size;
    const bytes = (world.ledgers[index] ?? []).slice(from, size).map(({ entry }) => {
      const { seq, leaf: _leaf, atMs: claimed, station: _station, boot, monoMs, device, ...draft } = entry;
      cart.hlc = claimed > cart.hlc.ms ? { ms: claimed, n: 0 } : { ms: cart.hlc.ms, n: cart.hlc.n + 1 };
      const named = device === undefined ? {} : { device: `${device}-${seed}` };
      const built = buildEntry({ ...draft, ...named } as never, { station: cart.station, epoch: 1, seq, prev: cart.prev, hlc: cart.hlc, boot, mono: monoMs });
      cart.prev = built.leaf.toString('hex');
      cart.frontier = append(cart.frontier, built.leaf);
      const parsed = parseEntry(built.bytes);
      if (parsed.ok) cart.reader.push(timedEntry(parsed.value, built.leaf));
      return built.bytes.toString('base64');
    });
    cart.reader.cosigned(atMs);
    cart.size = size;
    const key = verifierKey(cart.origin, cart.privateKey);
    const taken = await processes[turn % 2]?.(cart.station, { origin: cart.origin, from, entries: bytes, checkpoint: signCheckpoint(cart.origin, size, rootOf(cart.frontier), key, cart.privateKey) });
    if (taken?.ok !== true) throw new Error(taken?.reason.message);
  }
  return { readers: carts.map(({ reader }) => reader), originOf };
}

const nameOf = ({ origin, opened }: CustodyInterval): string => `${origin} ${opened.mark.seq}`;

it('random histories come in piece by piece through two processes: what is kept is what the whole ledgers mean together, and each end was told once', async () => {
  let statements = 0;
  for (let seed = 1; seed <= WORLDS; seed += 1) {
    const world = randomWorld(seed, { carts: 3, tablets: 2, steps: 60, pace: [1_000, 3_600_000], troubled: true, twin: seed % 5 === 0 });
    const { readers, originOf } = await tell(world, seed);
    const times = new Map(readers.map((reader, cart) => [originOf(cart), reader.times()]));
    for (const serial of [`TAB0-${seed}`, `TAB1-${seed}`]) {
      const rows = readers.flatMap((reader) => reader.intervals(serial));
      const whole = judgeCustody(rows, (origin) => times.get(origin) ?? { boots: [], newest: undefined });
      const kept = await central.database.query<{ row: CustodyInterval; joined: { origin: string; seq: number; ended: boolean; certain: boolean } | null }>('select row, joined from custody_interval where serial = $1', [serial]);
      const byName = new Map(kept.rows.map(({ row, joined }) => [nameOf(row), { row, joined }]));
      expect([...byName.keys()].sort()).toEqual(rows.map(nameOf).sort());
      for (const row of rows) {
        expect(byName.get(nameOf(row))?.row).toEqual(row);
        const join = whole.joins.find(({ held }) => held === row);
        const joined = byName.get(nameOf(row))?.joined ?? null;
        // What was found certain stays, also where a window no longer reaches back; doubt may have been settled further than the pieces show.
        if (join?.certain === true || !join) expect([seed, nameOf(row), joined && { origin: joined.origin, seq: joined.seq }]).toEqual([seed, nameOf(row), join ? { origin: join.docked.origin, seq: join.docked.opened.mark.seq } : null]);
      }
      const placed = (await central.database.query<{ kind: string; origin: string }>('select kind, origin from placement where serial = $1', [serial])).rows[0];
      expect(placed?.kind).toBe(whole.placement?.kind);
      if (whole.placement?.kind === 'placed') expect(placed?.origin).toBe(whole.placement.rows[0]?.origin);
      const conflicts = await central.database.query('select 1 from custody_conflict where serial = $1', [serial]);
      expect(conflicts.rowCount === 0).toBe(whole.conflicts.length === 0);
      const told = await central.database.query<{ release: string }>(`select s.request as release from statement s join custody_statement c on c.release = s.request and c.station = s.station where c.serial = $1`, [serial]);
      expect(new Set(told.rows.map(({ release }) => release)).size).toBe(told.rows.length);
      for (const { held, ended } of whole.joins) {
        if (ended && !held.closed) expect(told.rows.map(({ release }) => release)).toContain(held.release);
      }
      statements += told.rows.length;
    }
  }
  expect(statements).toBeGreaterThan(WORLDS);
  expect((await central.database.query('select 1 from poison_entry')).rowCount).toBe(0);
}, 1_200_000);
