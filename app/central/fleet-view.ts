import type { FleetDevice, FleetStation, FleetView } from '../contract/fleet.ts';
import { rules } from '../contract/policy-bundle.ts';
import { gradeOf, RELEASE_GATE, releaseGate } from '../domain/release-gate.ts';
import type { Rules } from '../domain/rules.ts';
import type { DeviceRow } from '../domain/tables.ts';
import type { DeviceStanding } from '../domain/terms.ts';
import type { Database } from './database.ts';

interface Placed {
  serial: string;
  asset: string;
  model: string;
  ward: string;
  standing: DeviceStanding;
  station: string | null;
  cart: string | null;
  row: DeviceRow | null;
}

/** Leaves that only the cart can see at the moment of an offer; the rest are judged here as the cart judges them. */
const SEEN_AT_THE_CART: ReadonlySet<string> = new Set(['serial-in-slot', 'battery', 'bundle']);
const KNOWN_HERE = RELEASE_GATE.filter((leaf) => !SEEN_AT_THE_CART.has(leaf.name));

/** Where every device is and in which state, from what the ledgers last said. `now` in Unix ms. */
export async function readFleet(database: Database, now: number): Promise<FleetView> {
  const names = await staffNames(database);
  const tenant = (await database.query<{ rules: unknown }>('select rules from tenant')).rows[0];
  const policy = tenant?.rules == null ? undefined : rules.parse(tenant.rules);
  const placed = await database.query<Placed>(
    `select d.serial, d.asset, d.model, d.ward, d.standing, s.id as station, s.cart, p.row
     from device d left join placement on placement.serial = d.serial left join origin o on o.origin = placement.origin left join station s on s.id = o.station
       left join projection p on p.origin = placement.origin and p.tbl = 'device' and p.key = d.serial
     order by d.asset, d.serial`,
  );
  const devices = placed.rows.map((row) => fleetDevice(row, policy, names, now));
  const wards = await database.query<{ id: string; name: string }>('select id, name from ward order by name');
  return {
    at: iso(now),
    wards: wards.rows.map(({ id, name }) => {
      const own = devices.filter((device) => device.ward === id);
      const count = (state: FleetDevice['state']): number => own.filter((device) => device.state === state).length;
      return { id, name, proven: count('proven'), preparing: count('preparing'), waiting: count('waiting'), out: count('out'), quarantined: count('quarantined') };
    }),
    devices,
    stations: await readStations(database, now),
    quarantine: placed.rows.flatMap(({ serial, asset, row }) =>
      row?.quarantine ? [{ serial, asset, reason: row.quarantine.reason, ...(row.request?.failure ? { failure: row.request.failure } : {}), since: iso(row.quarantine.atMs) }] : [],
    ),
  };
}

/** Names by what the ledger calls a person. Who was erased from the directory has none. */
export async function staffNames(database: Database): Promise<ReadonlyMap<string, string>> {
  const found = await database.query<{ actor: string; name: string }>('select actor, name from staff');
  return new Map(found.rows.map(({ actor, name }) => [actor, name]));
}

function fleetDevice(placed: Placed, policy: Rules | undefined, names: ReadonlyMap<string, string>, now: number): FleetDevice {
  const { serial, asset, model, ward, standing, row } = placed;
  const known = { serial, asset, model, ward, standing };
  if (!row || placed.station === null || placed.cart === null) return { ...known, where: { kind: 'unknown' }, state: 'unknown', grade: 'E0' };
  const { custody } = row;
  const since = custody.kind === 'unseen' ? {} : { since: iso(custody.sinceMs) };
  return { ...known, where: whereOf(row, placed.station, placed.cart, names), grade: gradeOf(row), ...since, ...stateOf(row, policy, now) };
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
    case 'unseen':
      return { kind: 'unknown' };
  }
}

function stateOf(row: DeviceRow, policy: Rules | undefined, now: number): Pick<FleetDevice, 'state' | 'reason'> {
  const { custody, request } = row;
  if (row.quarantine) return { state: 'quarantined', reason: row.quarantine.reason };
  if (custody.kind === 'unseen' || !policy) return { state: 'unknown' };
  if (custody.kind === 'rebooting') return { state: 'preparing' };
  if (custody.kind !== 'cart') return { state: 'out' };
  const live = { slot: custody.slot, serial: row.serial, twice: false };
  const first = releaseGate({ device: row, live, rules: policy, ladder: 'fresh', nowMs: now }, KNOWN_HERE)[0];
  if (!first) return { state: 'proven' };
  const underway = request !== undefined && request.failure === undefined && request.exposure === row.exposure?.leaf;
  return { state: underway ? 'preparing' : 'waiting', reason: first.reason };
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
