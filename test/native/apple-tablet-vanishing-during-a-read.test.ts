import { describe, expect, it } from 'vitest';
import { systemClock } from '../../native/clock.ts';
import type { TabletState } from '../support/apple/lockdownd.ts';
import { appleWard, BATTERY, tablet, trust, type AppleWard } from '../support/apple/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';

const udids = ['000081010000000000000001', '000081010000000000000002', '000081010000000000000003', '000081010000000000000004'] as const;
const [FIRST, SECOND, THIRD, FOURTH] = udids;

/** Trusted and plugged in. */
async function docked({ usbmuxd }: AppleWard, udid: string, change: (made: TabletState) => void = () => {}) {
  const made = tablet(udid);
  await trust(usbmuxd, made);
  change(made);
  usbmuxd.plug(made);
  return made;
}
const silent = (made: TabletState): void => {
  made.behaviour = 'silent';
};

describe('an Apple tablet vanishing during a read', () => {
  it('is gone, and nothing is told of it afterwards', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest, told } = ward;
    const leaving = await docked(ward, FIRST, (made) => {
      // It falls silent over its fifth question, inside the session.
      made.lie = (request) => (request['Key'] === 'ActivationState' ? Buffer.alloc(0) : undefined);
    });
    await waitFor('the read to hang', () => leaving.asked.at(-1) === 'GetValue ActivationState');
    usbmuxd.unplug(FIRST);
    await waitFor('its end', () => latest(FIRST)?.standing === 'gone' && usbmuxd.connections() === 1);
    await docked(ward, SECOND);
    await waitFor('another', () => latest(SECOND)?.standing === 'read');
    // Its connection may break before the news of its leaving: then it was unreadable for a moment.
    expect(told().slice(-2)).toEqual([`${FIRST} gone`, `${SECOND} read`]);
  });

  it('and back before it was seen leaving is read once, as new', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest, told } = ward;
    const back = await docked(ward, FIRST, silent);
    await waitFor('the read to hang', () => usbmuxd.connections() === 2);
    back.behaviour = 'answering';
    usbmuxd.plug(back);
    await waitFor('its facts', () => latest(FIRST)?.standing === 'read');
    // The number it had before is nobody's any more.
    usbmuxd.tell({ MessageType: 'Detached', DeviceID: 1 });
    await docked(ward, SECOND);
    await waitFor('another', () => latest(SECOND)?.standing === 'read');
    expect(told()).toEqual([`${FIRST} gone`, `${FIRST} read`, `${SECOND} read`]);
  });

  it('or that never answers, holds up no other: two that hang are given up after five seconds, told once, and asked again later', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { usbmuxd, latest, told } = ward;
    const stuck = await docked(ward, FIRST, silent);
    await waitFor('the first to hang', () => usbmuxd.connections() === 2);
    await docked(ward, SECOND);
    await waitFor('the second beside it', () => latest(SECOND)?.standing === 'read' && usbmuxd.connections() === 2);
    await docked(ward, THIRD, silent);
    await waitFor('the third to hang', () => usbmuxd.connections() === 3);
    await docked(ward, FOURTH);
    clock.advance(5_000);
    await waitFor('the fourth after them', () => latest(FOURTH)?.standing === 'read');
    expect(told().sort()).toEqual([`${FIRST} unreadable`, `${SECOND} read`, `${THIRD} unreadable`, `${FOURTH} read`]);
    stuck.behaviour = 'answering';
    clock.advance(1_000);
    await waitFor('the first', () => latest(FIRST)?.standing === 'read');
  });

  it('while rebooting is offline until lockdownd is up', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { latest, told, usbmuxd } = ward;
    const rebooting = await docked(ward, FIRST, (made) => {
      made.behaviour = 'refusing';
    });
    await waitFor('its standing', () => latest(FIRST)?.standing === 'offline');
    clock.advance(1_000);
    await waitFor('the second try to end', () => usbmuxd.connections() === 1);
    rebooting.behaviour = 'answering';
    await waitFor('its facts', () => {
      clock.advance(100);
      return latest(FIRST)?.standing === 'read';
    });
    expect(told()).toEqual([`${FIRST} offline`, `${FIRST} read`]);
  });

  it('never: its battery is asked every minute and everything every five', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { events, latest } = ward;
    const healthy = await docked(ward, FIRST);
    const readings = () => events.filter((event) => event.event === 'tablet');
    await waitFor('its facts', () => latest(FIRST)?.standing === 'read');
    healthy.values[BATTERY] = { BatteryCurrentCapacity: 79, BatteryIsCharging: false };
    for (let minute = 1; minute <= 5; minute += 1) {
      clock.advance(59_999);
      expect(readings()).toHaveLength(minute);
      clock.advance(1);
      await waitFor(`the reading of minute ${minute}`, () => readings().length === minute + 1);
      expect(latest(FIRST)).toMatchObject({ readMonoMs: minute * 60_000 });
      if (minute < 5) expect(latest(FIRST)?.facts).toEqual({ batteryPercent: 79, charging: false });
    }
    expect(latest(FIRST)?.facts).toMatchObject({ model: 'iPad13,18', batteryPercent: 79 });
  });
});
