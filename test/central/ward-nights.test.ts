import { describe, expect, it } from 'vitest';
import { nightOfWard, type OpenNight } from '../../app/central/ward-nights.ts';
import { fleetView, type FleetDevice, type WardNight } from '../../app/contract/fleet.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { central, cookie, HOUR, ledger, nightCart, send, SHIFT, station } from './night-cart.ts';

const began = (count: number, shiftMs = SHIFT, ward = '7e'): EntryDraft => ({ type: 'night-began', body: { shiftMs, needs: [{ ward, count: 3, dueMs: shiftMs - HOUR }, { ward, count, dueMs: shiftMs }], owed: 2 } });
const threatened = (shortBy: number, because = 'absent'): EntryDraft => ({ type: 'need-threatened', body: { ward: '7e', shortBy, dueMs: SHIFT, because } }) as EntryDraft;
const ended = (count: number, shiftMs = SHIFT): EntryDraft => ({
  type: 'night-ended',
  body: { fromMs: shiftMs - 10 * HOUR, shiftMs, needs: [{ ward: '7e', count, dueMs: shiftMs, ready: count }], exceptions: [], more: 0, done: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } },
});

describe('what the server knows of a night that is on', () => {
  nightCart(SHIFT - 5 * HOUR, SHIFT - 10 * HOUR);

  const night = async (): Promise<WardNight | undefined> => fleetView.parse(await (await fetch(`${central.url}/api/fleet`, { headers: { cookie } })).json()).wards.find(({ id }) => id === '7e')?.night;

  it('nothing is told: on course to the largest of the ward’s needs, from when the night began', async () => {
    expect(await night()).toBeUndefined();
    await send(began(8));
    expect(await night()).toEqual({ due: '2026-09-22T05:00:00.000Z', needed: 8, clean: 0, expected: 8, shortBy: 0, carts: [{ station: station.id, cart: 'Cart A', needed: 8, began: '2026-09-21T19:00:00.000Z' }], told: [], unread: [] });
  });

  it('a shortage is told: by how many, why, when and in which record; that of the night before is no part of it', async () => {
    await send(began(8, SHIFT - 24 * HOUR), threatened(5), ended(8, SHIFT - 24 * HOUR), began(8));
    expect(await night()).toMatchObject({ expected: 8, shortBy: 0, told: [] });
    await send(threatened(2));
    expect(await night()).toMatchObject({
      expected: 6,
      shortBy: 2,
      told: [{ station: station.id, cart: 'Cart A', notice: { ward: 'Ward 7 East', shortBy: 2, why: 'too few tablets are in the cart', at: '2026-09-21T19:00:00.004Z', evidence: { origin: station.origin, seq: 4, leaf: ledger.leaves[4] } } }],
    });
  });

  it('the night is over: by its record, or because its shift began while the cart was silent', async () => {
    await send(began(8));
    central.clock.ms = SHIFT + 1;
    expect(await night()).toBeUndefined();
    central.clock.ms = SHIFT - HOUR;
    expect(await night()).toBeDefined();
    await send(ended(8));
    expect(await night()).toBeUndefined();
  });

  it('a newer station gives a reason that this server does not know: said so, not taken for on course', async () => {
    await send(began(8), threatened(2, 'haunted'));
    expect(await night()).toMatchObject({ expected: 0, shortBy: 0, told: [], unread: [station.id] });
  });

  it('nobody needs any of the ward’s tablets: no night is told of it', async () => {
    await send(began(8, SHIFT, '8w'));
    expect(await night()).toBeUndefined();
  });
});

describe('of one ward', () => {
  const notice = (shortBy: number): OpenNight['told'][number] => ({ ward: '7e', shortBy, why: 'too few tablets are in the cart', due: new Date(SHIFT).toISOString(), at: new Date(SHIFT - HOUR).toISOString(), evidence: { origin: 'o', seq: 3, leaf: 'aa' } });
  const open = (station: string, ward: string, count: number, told: OpenNight['told'] = []): OpenNight => ({
    station, cart: station.toUpperCase(), ward, told,
    night: { beganAtMs: SHIFT - 10 * HOUR, beganSeq: 0, shiftMs: SHIFT, needs: [{ ward: '7e', count, dueMs: SHIFT }], threatened: told.map((one) => one.ward), tally: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } },
  });
  const tablets = (station: string, proven: number, waiting = 0): FleetDevice[] => Array.from({ length: proven + waiting }, (_, place) => ({
    serial: `${station}${place}`, asset: 'T', model: 'M', ward: '7e', standing: 'admitted', where: { kind: 'cart', station, cart: station, slot: place }, state: place < proven ? 'proven' : 'waiting', grade: 'E2',
  }));
  const forecast = (nights: readonly OpenNight[], own: readonly FleetDevice[]): Partial<WardNight> | undefined => nightOfWard('7e', 'Ward 7 East', nights, own);

  it('a shortage was told and more came back since: what is ready counts against it, and the word stays', () => {
    const told = [notice(3)];
    expect(forecast([open('a', '7e', 8, told)], tablets('a', 4, 3))).toMatchObject({ clean: 4, expected: 5, shortBy: 3 });
    expect(forecast([open('a', '7e', 8, told)], tablets('a', 7))).toMatchObject({ clean: 7, expected: 7, shortBy: 1 });
    expect(forecast([open('a', '7e', 8, told)], tablets('a', 9))).toMatchObject({ clean: 9, expected: 9, shortBy: 0, told: [{ notice: { shortBy: 3 } }] });
  });

  it('a cart of another ward has the same needs by the same rules: it counts only where no cart stands in the ward', () => {
    const both = [open('a', '7e', 4), open('c', '7w', 4, [notice(4)])];
    expect(forecast(both, [])).toMatchObject({ needed: 4, shortBy: 0, carts: [{ station: 'a' }], told: [] });
    expect(forecast(both.slice(1), [])).toMatchObject({ needed: 4, shortBy: 4, carts: [{ station: 'c' }] });
  });
});
