import type { FleetDevice, FleetStation, FleetView } from '../contract/fleet.ts';
import { rules } from '../contract/policy-bundle.ts';
import { gradeOf, RELEASE_GATE, releaseGate } from '../domain/release-gate.ts';
import type { Rules } from '../domain/rules.ts';
import type { CustodyInterval } from '../domain/custody-intervals.ts';
import type { Placement } from '../domain/custody-order.ts';
import type { DeviceRow } from '../domain/tables.ts';
import { waitingSinceMs } from '../domain/waiting-since.ts';
import type { DeviceStanding } from '../domain/terms.ts';
import { openConflicts } from './conflicts.ts';
import { carts, conflictAnswers, holderAnswer, type Names } from './custody-words.ts';
import type { Database } from './database.ts';
import { nightOfWard, openNights } from './ward-nights.ts';

interface Placed {
  serial: string;
  asset: string;
  model: string;
  ward: string;
  standing: DeviceStanding;
  station: string | null;
  cart: string | null;
  row: DeviceRow | null;
  kind: Placement['kind'] | null;
  rows: Placement['rows'] | null;
}

const MOST_CONFLICTS = 100;

/** Leaves that only the cart can see at the moment of an offer; the rest are judged here as the cart judges them. */
const SEEN_AT_THE_CART: ReadonlySet<string> = new Set(['serial-in-slot', 'battery', 'bundle']);
const KNOWN_HERE = RELEASE_GATE.filter((leaf) => !SEEN_AT_THE_CART.has(leaf.name));

/** Where every device is and in which state, from what the ledgers last said. `now` in Unix ms. */
export async function readFleet(database: Database, now: number): Promise<FleetView> {
  const names = await staffNames(database);
  const tenant = (await database.query<{ rules: unknown }>('select rules from tenant')).rows[0];
  const policy = tenant?.rules == null ? undefined : rules.parse(tenant.rules);
  const placed = await database.query<Placed>(
    `select d.serial, d.asset, d.model, d.ward, d.standing, s.id as station, s.cart, p.row, placement.kind, placement.rows
     from device d left join placement on placement.serial = d.serial left join origin o on o.origin = placement.origin left join station s on s.id = o.station
       left join projection p on p.origin = placement.origin and p.tbl = 'device' and p.key = d.serial
     order by d.asset, d.serial`,
  );
  const conflicts = await openConflicts(database, MOST_CONFLICTS);
  const claims = await claimsOf(database, conflicts.map(({ serial }) => serial));
  const told: Names = { people: names, carts: await carts(database) };
  const devices = placed.rows.map((row) => fleetDevice(row, policy, told, claims.get(row.serial), now));
  const wards = await database.query<{ id: string; name: string }>('select id, name from ward order by name');
  const nights = await openNights(database, now);
  return {
    at: iso(now),
    wards: wards.rows.map(({ id, name }) => {
      const own = devices.filter((device) => device.ward === id);
      const count = (state: FleetDevice['state']): number => own.filter((device) => device.state === state).length;
      const night = nightOfWard(id, name, nights, own);
      return { id, name, proven: count('proven'), preparing: count('preparing'), waiting: count('waiting'), out: count('out'), quarantined: count('quarantined'), ...(night ? { night } : {}) };
    }),
    devices,
    stations: await readStations(database, now),
    quarantine: placed.rows.flatMap(({ serial, asset, row }) =>
      row?.quarantine ? [{ serial, asset, reason: row.quarantine.reason, ...(row.request?.failure ? { failure: row.request.failure } : {}), since: iso(row.quarantine.atMs) }] : [],
    ),
    conflicts: await conflictAnswers(database, conflicts, told),
  };
}

/** What each ledger last said of the serials about which a conflict is open. */
async function claimsOf(database: Database, serials: readonly string[]): Promise<ReadonlyMap<string, readonly CustodyInterval[]>> {
  const found = await database.query<{ serial: string; rows: CustodyInterval[] }>(
    `select i.serial, json_agg(i.row order by i.from_ms desc nulls last) as rows from custody_interval i
     join custody_conflict c on c.serial = i.serial and c.closed_at_ms is null and i.origin in (c.origin_a, c.origin_b)
     where i.last and i.serial = any($1::text[]) group by i.serial`,
    [serials],
  );
  return new Map(found.rows.map(({ serial, rows }) => [serial, rows.filter((row, index) => rows.findIndex(({ origin }) => origin === row.origin) === index)]));
}

/** Names by what the ledger calls a person. Who was erased from the directory has none. */
export async function staffNames(database: Database): Promise<ReadonlyMap<string, string>> {
  const found = await database.query<{ actor: string; name: string }>('select actor, name from staff');
  return new Map(found.rows.map(({ actor, name }) => [actor, name]));
}

function fleetDevice(placed: Placed, policy: Rules | undefined, names: Names, claims: readonly CustodyInterval[] | undefined, now: number): FleetDevice {
  const { serial, asset, model, ward, standing, row, kind, rows } = placed;
  const known = { serial, asset, model, ward, standing };
  // Where nobody can say which tablet or which cart is meant, nothing is said of its state either.
  const nothingSure = { ...known, state: 'unknown', grade: 'E0' } as const;
  if (claims) return { ...nothingSure, where: { kind: 'conflict', because: 'overlap', sides: claims.map((claim) => sideOf(claim, names)) }, conflict: true };
  if (rows && kind !== 'placed' && kind !== null) return { ...nothingSure, where: { kind: 'conflict', because: 'undecided', sides: rows.map((claim) => sideOf(claim, names)) } };
  const last = rows?.[0];
  const toldOfNone = !row || row.custody.kind === 'unseen' || row.custody.kind === 'elsewhere';
  // Put into a cart that does not know it: only the interval tells where.
  if (toldOfNone && last?.kind === 'docked' && last.slot !== undefined) return { ...nothingSure, where: { kind: 'cart', station: last.station, cart: names.carts.get(last.station) ?? last.station, slot: last.slot } };
  if (!row || placed.station === null || placed.cart === null) return { ...nothingSure, where: { kind: 'unknown' } };
  const { custody } = row;
  const since = custody.kind === 'unseen' ? {} : { since: iso(custody.sinceMs) };
  return { ...known, where: whereOf(row, placed.station, placed.cart, names.people), grade: gradeOf(row), ...since, ...stateOf(row, policy, now) };
}

function whereOf({ custody }: DeviceRow, station: string, cart: string, names: ReadonlyMap<string, string>): FleetDevice['where'] {
  switch (custody.kind) {
    case 'cart':
    case 'rebooting':
      return { kind: 'cart', station, cart, slot: custody.slot };
    case 'person':
      return { kind: 'person', name: names.get(custody.actor) ?? 'Somebody no longer in the directory', since: iso(custody.sinceMs) };
    case 'unidentified':
    case 'ward':
      return { kind: 'unidentified', since: iso(custody.sinceMs) };
    case 'elsewhere':
    case 'unseen':
      return { kind: 'unknown' };
  }
}

/** What one cart's ledger says of a tablet that another claims too. */
function sideOf({ station, slot, kind, holder, opened }: CustodyInterval, names: Names): Extract<FleetDevice['where'], { kind: 'conflict' }>['sides'][number] {
  return { station, cart: names.carts.get(station) ?? station, ...(slot === undefined ? {} : { slot }), ...(kind === 'held' && holder ? { holder: holderAnswer(holder, names) } : {}), since: iso(opened.mark.atMs) };
}

function stateOf(row: DeviceRow, policy: Rules | undefined, now: number): Pick<FleetDevice, 'state' | 'reason' | 'reasonSince'> {
  const { custody, request } = row;
  if (row.quarantine) return { state: 'quarantined', reason: row.quarantine.reason, reasonSince: iso(row.quarantine.atMs) };
  if (custody.kind === 'unseen' || custody.kind === 'elsewhere' || !policy) return { state: 'unknown' };
  if (custody.kind === 'rebooting') return { state: 'preparing' };
  if (custody.kind !== 'cart') return { state: 'out' };
  const live = { slot: custody.slot, serial: row.serial, twice: false };
  const first = releaseGate({ device: row, live, rules: policy, ladder: 'fresh', nowMs: now }, KNOWN_HERE)[0];
  if (!first) return { state: 'proven' };
  const underway = request !== undefined && request.failure === undefined && request.exposure === row.exposure?.leaf;
  const sinceMs = waitingSinceMs(row, first.leaf);
  return { state: underway ? 'preparing' : 'waiting', reason: first.reason, ...(sinceMs === undefined ? {} : { reasonSince: iso(sinceMs) }) };
}

async function readStations(database: Database, now: number): Promise<FleetStation[]> {
  const found = await database.query<{ id: string; ward: string; cart: string; shelves: number[][]; certificate_until_ms: number; denied_at_ms: number | null; size: number; cosigned_at_ms: number | null }>(
    `select s.id, s.ward, s.cart, s.shelves, s.certificate_until_ms, s.denied_at_ms, o.size, o.cosigned_at_ms
     from station s join origin o on o.station = s.id and o.epoch = (select max(epoch) from origin where station = s.id) order by s.ward, s.cart, s.enrolled_at_ms`,
  );
  return found.rows.map((row) => ({
    id: row.id,
    ward: row.ward,
    cart: row.cart,
    shelves: row.shelves,
    size: row.size,
    ...(row.cosigned_at_ms === null ? {} : { lastSyncAt: iso(row.cosigned_at_ms), syncAgeMs: Math.max(0, now - row.cosigned_at_ms) }),
    certificateUntil: iso(row.certificate_until_ms),
    denied: row.denied_at_ms !== null,
  }));
}

export const iso = (ms: number): string => new Date(ms).toISOString();
