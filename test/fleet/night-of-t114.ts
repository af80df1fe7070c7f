import { createHash } from 'node:crypto';
import type { BoundedTime, ConflictSide, CustodyAnswer, CustodyConflict, CustodyInterval, Evidence, StationStateAnswer } from '../../app/contract/custody.ts';
import type { FleetDevice, FleetView } from '../../app/contract/fleet.ts';
import type { IncidentsView } from '../../app/contract/incidents.ts';

/** Fixed moments: a picture of them is the same every day. Chromium is given this zone. */
export const ZONE = 'Europe/Berlin';
const at = (clock: string, day = '2026-11-21'): string => new Date(`${day}T${clock}+01:00`).toISOString();

const A = { station: 'st-7e-a', cart: 'Cart A', slot: 4 };
const B = { station: 'st-7e-b', cart: 'Cart B', slot: 4 };
const origin = (station: string, epoch = 1): string => `st-elsewhere/station/${station}/e${epoch}`;

function entry(station: string, seq: number): Evidence {
  return { origin: origin(station), seq, leaf: createHash('sha256').update(`${station} ${seq}`).digest('hex') };
}

function time(claimed: string, notBefore?: string, notAfter?: string): BoundedTime {
  return { claimed, ...(notBefore === undefined ? {} : { notBefore }), ...(notAfter === undefined ? {} : { notAfter }) };
}

type End = CustodyInterval['opened'];
const end = (how: End['how'], when: BoundedTime, evidence: Evidence, more: Partial<End> = {}): End => ({ how, time: when, evidence, certain: true, ...more });

/** One night of one tablet: in its slot, with Aisha R., returned to another cart whose clock is three years off, unwatched through a power cut, then gone with nobody named. */
export function nightOf(device: FleetDevice, conflicts: readonly CustodyConflict[] = []): CustodyAnswer {
  const dock = end('put-in', time(at('19:02:10'), at('19:02:08'), at('19:02:31')), entry('st-7e-a', 1180));
  const taken = end('taken', time(at('22:14:20'), at('22:14:03'), at('22:14:41')), entry('st-7e-a', 1208));
  const elsewhere = end('elsewhere', time(at('02:51:07', '2029-11-22'), at('02:40:11', '2026-11-22'), at('02:52:30', '2026-11-22')), entry('st-7e-b', 602), { at: { ...B, slot: 2 } });
  const lost = end('out-of-sight', time(at('03:20:00', '2026-11-22'), at('03:19:30', '2026-11-22'), at('03:26:00', '2026-11-22')), entry('st-7e-b', 606));
  const found = end('taken', time(at('05:31:45', '2026-11-22'), undefined, at('05:48:00', '2026-11-22')), entry('st-7e-b', 609), { certain: false });
  const inB = { ...B, slot: 2 };
  return {
    device: device.serial,
    asset: device.asset,
    from: at('22:00:00'),
    to: at('06:00:00', '2026-11-22'),
    at: at('07:12:44', '2026-11-22'),
    intervals: [
      { kind: 'docked', place: A, opened: dock, closed: taken, overlap: 'certain', touches: [] },
      {
        kind: 'held',
        place: A,
        holder: { kind: 'person', name: 'Aisha R.' },
        release: 'rel-0412',
        opened: taken,
        closed: elsewhere,
        overlap: 'certain',
        touches: [{ type: 'wrong-pull', time: time(at('22:14:31'), at('22:14:14'), at('22:14:52')), evidence: entry('st-7e-a', 1209), slot: 5, person: 'Aisha R.', text: 'Wrong tablet pulled beside it; put back' }],
      },
      { kind: 'docked', place: inB, opened: { ...elsewhere, how: 'put-in' }, closed: lost, overlap: 'certain', touches: [{ type: 'sanitization-requested', time: time(at('02:53:00', '2026-11-22')), evidence: entry('st-7e-b', 604), text: 'Wipe asked for' }] },
      { kind: 'unwatched', place: inB, opened: lost, closed: found, overlap: 'certain', touches: [] },
      { kind: 'held', place: inB, holder: { kind: 'unidentified' }, release: 'rel-0413', opened: found, overlap: 'possible', touches: [] },
    ],
    conflicts: [...conflicts],
    truncated: false,
  };
}

/** Cart A and Cart B both say that they had it in slot 4 from twenty to two until a quarter past two. */
export function conflictAbout(device: FleetDevice, closed?: CustodyConflict['closed']): CustodyConflict {
  const a: ConflictSide = { place: A, opened: end('returned', time(at('01:12:04', '2026-11-22'), at('01:11:50', '2026-11-22'), at('01:12:31', '2026-11-22')), entry('st-7e-a', 1302)) };
  const b: ConflictSide = {
    place: B,
    opened: end('put-in', time(at('01:39:15', '2026-11-22'), at('01:38:00', '2026-11-22'), at('01:40:00', '2026-11-22')), entry('st-7e-b', 588)),
    closed: end('taken', time(at('02:15:22', '2026-11-22'), at('02:15:00', '2026-11-22')), entry('st-7e-b', 593)),
  };
  return { id: 7, device: device.serial, asset: device.asset, sides: [a, b], count: 3, foundAt: at('02:20:09', '2026-11-22'), lastAt: at('04:02:51', '2026-11-22'), ...(closed === undefined ? {} : { closed }) };
}

/** The view in which the tablet `asset` is claimed by Cart A and Cart B. */
export function withConflict(view: FleetView, asset: string): FleetView {
  const device = view.devices.find((known) => known.asset === asset);
  if (device === undefined) throw new Error(`no ${asset} in the view`);
  const where = { kind: 'conflict' as const, because: 'overlap' as const, sides: [{ station: 'st-7e-b', cart: 'Cart B', slot: 4, since: at('01:39:15', '2026-11-22') }, { station: 'st-7e-a', cart: 'Cart A', slot: 3, since: at('01:12:04', '2026-11-22') }] };
  return { ...view, devices: view.devices.map((known) => (known === device ? { ...known, where, conflict: true, state: 'unknown' } : known)), conflicts: [conflictAbout(device)] };
}

/** Cart A at a quarter past two, after its ledger had been given up once. */
export function stoodAt(view: FleetView): StationStateAnswer {
  const inside = view.devices.filter(({ where }) => where.kind === 'cart' && where.station === 'st-7e-a').slice(0, 9);
  const slotOf = ({ where }: FleetDevice): number => (where.kind === 'cart' ? where.slot : 0);
  const device = (known: FleetDevice, index: number): StationStateAnswer['ledgers'][number]['devices'][number] => ({ device: known.serial, asset: known.asset, ward: '7e', standing: 'admitted', custody: 'cart', exposed: index > 5, ...(index === 8 ? { quarantine: 'sanitization-overdue' } : {}) });
  const [first, second] = [view.devices.find(({ asset }) => asset === 'T-113'), view.devices.find(({ asset }) => asset === 'T-122')];
  if (first === undefined || second === undefined || inside[0] === undefined) throw new Error('the two wards changed');
  const moment = at('02:15:00', '2026-11-22');
  return {
    station: 'st-7e-a',
    cart: 'Cart A',
    at: moment,
    ledgers: [
      { origin: origin('st-7e-a', 1), size: 411, last: { time: time(at('23:50:00', '2026-10-02')), evidence: entry('st-7e-a', 410) }, slots: [], out: [], offers: [], devices: [] },
      {
        origin: origin('st-7e-a', 2),
        size: 1302,
        last: { time: time(at('02:14:58', '2026-11-22'), at('02:14:40', '2026-11-22'), at('02:15:20', '2026-11-22')), evidence: entry('st-7e-a', 1301) },
        uncertain: { fromSeq: 1299, toSeq: 1303, count: 5 },
        policyVersion: 41,
        slots: inside.map((known) => ({ slot: slotOf(known), device: known.serial, since: at('19:02:10'), offered: known === inside[0] })),
        out: [
          { device: first.serial, holder: { kind: 'person', name: 'Aisha R.' }, release: 'rel-0412', since: at('22:14:20'), slot: 4, owed: false },
          { device: second.serial, holder: { kind: 'unidentified' }, release: 'rel-0409', since: at('20:01:00'), slot: 8, owed: false },
        ],
        offers: [{ offer: 'of-88', release: 'rel-0414', device: inside[0].serial, slot: slotOf(inside[0]), person: 'Tom O.', until: at('02:15:30', '2026-11-22') }],
        devices: [...inside.map(device), { ...device(first, 9), custody: 'person' }, { ...device(second, 9), custody: 'unidentified' }],
      },
    ],
  };
}

const CHECKPOINT = `${origin('st-7e-a')}\n1302\nq0HE8B2bcZPJ9ugSVkCRy6Vw8mLkDk2Pmqv9cJ3nB8k=\n\n— ${origin('st-7e-a')} 9Yx2pQ5uVn5J0m8v2xkq1FJXk2bZrQK8gNn0s8x3y8bB3v5f6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f=\n`;

/** A quiet night but for one cart whose disk was copied, and one record of a newer station. */
export function twoNoticed(): IncidentsView {
  return {
    incidents: [
      { id: 3, station: 'st-7e-a', cart: 'Cart A', origin: origin('st-7e-a'), kind: 'two-histories', text: 'The cart signed a history that contradicts the one witnessed here. Its disk was restored, copied, or its key is in other hands. It has been given a new ledger; both are kept. Find out where its disk has been.', firstAt: at('02:19:40', '2026-11-22'), lastAt: at('02:41:02', '2026-11-22'), count: 4, note: CHECKPOINT },
      { id: 2, station: 'st-7w-c', cart: 'Cart C', origin: origin('st-7w-c'), kind: 'epoch-begun', text: 'The cart began a new ledger in place of the one before, which is kept.', firstAt: at('09:00:00', '2026-11-02'), lastAt: at('09:00:00', '2026-11-02'), count: 1 },
    ],
    poison: [
      { origin: origin('st-7e-b'), cart: 'Cart B', seq: 594, reason: 'unfoldable', message: 'unknown entry type "tablet-cleaned".', foundAt: at('03:00:00', '2026-11-22'), bytes: Buffer.from('{"body":{},"type":"tablet-cleaned","v":2}').toString('base64') },
      { origin: origin('st-7e-b'), cart: 'Cart B', seq: 595, reason: 'unreadable', message: 'not canonical JSON.', foundAt: at('03:00:00', '2026-11-22'), bytes: Buffer.from([0, 255, 18, 7, 27]).toString('base64') },
    ],
  };
}
