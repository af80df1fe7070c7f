import type { FleetDevice, FleetEvent, FleetStation, FleetView, WardNight } from '../../app/contract/fleet.ts';

const MINUTE = 60_000;

/** A moment `minutes` before now, as the server writes it. */
export function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE).toISOString();
}

type State = FleetDevice['state'];

function inSlot(number: number, ward: string, station: FleetStation, slot: number, state: State, reason?: string): FleetDevice {
  return {
    serial: `R52T${String(number * 7919).padStart(7, '0')}`,
    asset: `T-${number}`,
    model: 'Samsung SM-X306B',
    ward,
    standing: 'admitted',
    where: { kind: 'cart', station: station.id, cart: station.cart, slot },
    state,
    grade: state === 'proven' ? 'E2' : state === 'waiting' ? 'E1' : 'E0',
    since: minutesAgo(30 + number),
    ...(reason === undefined ? {} : { reason }),
  };
}

function station(id: string, ward: string, cart: string, shelves: number[][], size: number, syncAgeMs: number): FleetStation {
  return { id, ward, cart, shelves, size, lastSyncAt: new Date(Date.now() - syncAgeMs).toISOString(), syncAgeMs, certificateUntil: minutesAgo(-6 * 24 * 60), denied: false };
}

const eight = (from: number): number[] => Array.from({ length: 8 }, (_, index) => from + index);

/** Two wards at the change of shift: three carts, one of them out of contact, one tablet waiting, one in quarantine, some taken. */
export function twoWards(): FleetView {
  const a = station('st-7e-a', '7e', 'Cart A', [eight(1), eight(9)], 1482, 1400);
  const b = station('st-7e-b', '7e', 'Cart B', [eight(1)], 611, 3100);
  const c = station('st-7w-c', '7w', 'Cart C', [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]], 933, 41 * MINUTE);
  const east: FleetDevice[] = [1, 2, 4, 7, 10, 11, 13, 14].map((slot, index) => inSlot(101 + index, '7e', a, slot, 'proven'));
  const preparing = [5, 12].map((slot, index) => inSlot(109 + index, '7e', a, slot, 'preparing', 'wipe-not-confirmed'));
  const waiting = inSlot(111, '7e', a, 9, 'waiting', 'enrolment-new');
  const failed = inSlot(112, '7e', a, 6, 'quarantined', 'sanitization-failed');
  const onB = [1, 2, 3, 5, 6].map((slot, index) => inSlot(115 + index, '7e', b, slot, index === 4 ? 'preparing' : 'proven'));
  const taken = (number: number, ward: string, name: string, minutes: number): FleetDevice => ({
    ...inSlot(number, ward, a, 1, 'out'),
    where: { kind: 'person', name, since: minutesAgo(minutes) },
  });
  const unnamed: FleetDevice = { ...inSlot(122, '7e', a, 1, 'out'), where: { kind: 'unidentified', since: minutesAgo(3) } };
  const west = [1, 2, 3, 5, 8, 9, 11].map((slot, index) => inSlot(130 + index, '7w', c, slot, index === 3 ? 'waiting' : 'proven', index === 3 ? 'credentials-revoked' : undefined));
  const unseen: FleetDevice = { ...inSlot(139, '7w', c, 1, 'unknown'), where: { kind: 'unknown' } };
  return {
    at: new Date().toISOString(),
    wards: [
      { id: '7e', name: 'Ward 7 East', proven: 12, preparing: 3, waiting: 1, out: 4, quarantined: 1 },
      { id: '7w', name: 'Ward 7 West', proven: 6, preparing: 0, waiting: 1, out: 1, quarantined: 0 },
    ],
    devices: [...east, ...preparing, waiting, failed, ...onB, taken(113, '7e', 'Aisha R.', 412), taken(114, '7e', 'Tom O.', 26), taken(121, '7e', 'Zoë M.', 4), unnamed, ...west, taken(138, '7w', 'Hana S.', 51), unseen],
    stations: [a, b, c],
    quarantine: [{ serial: failed.serial, asset: failed.asset, reason: 'sanitization-failed', failure: 'no-new-enrolment', since: minutesAgo(130) }],
    conflicts: [],
  };
}

/** A night is on: the two carts of Ward 7 East, of which Cart B told that it will be short, and the silent one of Ward 7 West. */
export function withNights(view: FleetView, change: Partial<WardNight> = {}): FleetView {
  const began = minutesAgo(7 * 60);
  const due = minutesAgo(-3 * 60);
  const notice = { ward: 'Ward 7 East', shortBy: 2, why: 'too few tablets are in the cart', due, at: minutesAgo(95), evidence: { origin: 'mercy/station/st-7e-b/e1', seq: 588, leaf: 'b'.repeat(64) } };
  const east: WardNight = {
    due, needed: 16, clean: 12, expected: 14, shortBy: 2, unread: [],
    carts: [{ station: 'st-7e-a', cart: 'Cart A', needed: 10, began }, { station: 'st-7e-b', cart: 'Cart B', needed: 6, began }],
    told: [{ station: 'st-7e-b', cart: 'Cart B', notice }],
    ...change,
  };
  const west: WardNight = { due, needed: 8, clean: 6, expected: 8, shortBy: 0, unread: [], carts: [{ station: 'st-7w-c', cart: 'Cart C', needed: 8, began }], told: [] };
  return { ...view, wards: view.wards.map((ward) => ({ ...ward, night: ward.id === '7e' ? east : west })) };
}

/** What the ledgers say about one device, newest first. */
export function storyOf(device: FleetDevice): FleetEvent[] {
  const at = (minutes: number, seq: number, type: string, text: string, person?: string): FleetEvent => ({
    at: minutesAgo(minutes),
    station: 'st-7e-a',
    seq,
    type,
    device: device.serial,
    slot: 4,
    text,
    ...(person === undefined ? {} : { person }),
  });
  return [
    at(2, 1481, 'statement-accepted', 'The new enrolment is stated'),
    at(9, 1466, 'sanitization-requested', 'A wipe was asked for'),
    at(9, 1465, 'returned', 'Put back', 'Jon P.'),
    at(371, 1208, 'released', 'Taken', 'Jon P.'),
    at(372, 1207, 'offered', 'Offered', 'Jon P.'),
  ];
}

/** The view after `person` has pulled the tablet `asset`. */
export function afterRelease(view: FleetView, asset: string, person: string): FleetView {
  return {
    ...view,
    at: new Date().toISOString(),
    devices: view.devices.map((device) => (device.asset === asset ? { ...device, state: 'out', where: { kind: 'person', name: person, since: new Date().toISOString() } } : device)),
    wards: view.wards.map((ward) => (ward.id === '7e' ? { ...ward, proven: ward.proven - 1, out: ward.out + 1 } : ward)),
  };
}
