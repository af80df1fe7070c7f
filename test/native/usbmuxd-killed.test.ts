import { describe, expect, it } from 'vitest';
import { systemClock } from '../../native/clock.ts';
import { appleWard, tablet, trust } from '../support/apple/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';

const [STAYS, GOES, COMES] = ['000081010000000000000001', '000081010000000000000002', '000081010000000000000003'];

describe('usbmuxd killed', () => {
  it('is opened again: what stayed is read anew, what came and went meanwhile is told', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest, states, told } = ward;
    const tablets = [STAYS, GOES, COMES].map(tablet);
    for (const each of tablets) await trust(usbmuxd, each);
    const [stays, goes, comes] = tablets;
    if (stays === undefined || goes === undefined || comes === undefined) throw new Error('three tablets were made');
    usbmuxd.plug(stays);
    usbmuxd.plug(goes);
    await waitFor('both read', () => latest(STAYS)?.standing === 'read' && latest(GOES)?.standing === 'read');
    await usbmuxd.kill();
    await waitFor('both gone', () => latest(STAYS)?.standing === 'gone' && latest(GOES)?.standing === 'gone');
    usbmuxd.unplug(GOES);
    usbmuxd.plug(comes);
    await usbmuxd.start();
    await waitFor('what is there now', () => latest(STAYS)?.standing === 'read' && latest(COMES)?.standing === 'read');
    expect(latest(GOES)?.standing).toBe('gone');
    expect(told().filter((line) => line.endsWith('read')).sort()).toEqual([`${STAYS} read`, `${STAYS} read`, `${GOES} read`, `${COMES} read`]);
    expect(states().slice(0, 2)).toEqual(['working', 'failing']);
    expect(states().at(-1)).toBe('working');
  });

  it('in the middle of a read tells the tablet as gone and nothing after it', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest, told } = ward;
    const held = tablet(STAYS);
    await trust(usbmuxd, held);
    held.behaviour = 'silent';
    usbmuxd.plug(held);
    // Its own connection and the one that is listened to.
    await waitFor('the read to hang', () => usbmuxd.connections() === 2);
    await usbmuxd.kill();
    await waitFor('its going', () => latest(STAYS)?.standing === 'gone');
    held.behaviour = 'answering';
    await usbmuxd.start();
    await waitFor('the facts', () => latest(STAYS)?.standing === 'read');
    // Its own connection may break before the one that is listened to: then it was unreadable for a moment.
    expect(told().filter((line) => line !== `${STAYS} unreadable`)).toEqual([`${STAYS} gone`, `${STAYS} read`]);
    expect(told().slice(-2)).toEqual([`${STAYS} gone`, `${STAYS} read`]);
  });

  it('and not started is told as what it is, and asked again after 0.25 s and then 0.5 s', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { usbmuxd, events, states } = ward;
    await waitFor('the start', () => states().length === 1);
    await usbmuxd.close();
    await waitFor('the loss', () => states().length === 2);
    clock.advance(249);
    expect(states()).toEqual(['working', 'failing']);
    clock.advance(1);
    await waitFor('the second try', () => states().length === 3);
    expect(events.at(-1)).toEqual({ event: 'adapter', state: 'absent', detail: expect.stringContaining('systemctl start usbmuxd') as string });
    await usbmuxd.start();
    clock.advance(499);
    expect(usbmuxd.connections()).toBe(0);
    clock.advance(1);
    await waitFor('the third try', () => states().at(-1) === 'working');
  });

  it('or hung, so that it accepts and never answers, is given up after five seconds and tried again', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { usbmuxd, states } = ward;
    await waitFor('the start', () => states().at(-1) === 'working');
    const asked: unknown[] = [];
    usbmuxd.lie = (message) => {
      asked.push(message['MessageType']);
      return Buffer.alloc(0);
    };
    await usbmuxd.kill();
    await waitFor('the loss', () => states().at(-1) === 'failing');
    await usbmuxd.start();
    clock.advance(250);
    await waitFor('the question', () => asked.length === 1);
    usbmuxd.lie = undefined;
    clock.advance(5_000);
    await waitFor('the end of it', () => usbmuxd.connections() === 0);
    // Nothing but the clock lets it try again.
    await waitFor('the next try', () => {
      clock.advance(10);
      return states().at(-1) === 'working';
    });
  });
});
