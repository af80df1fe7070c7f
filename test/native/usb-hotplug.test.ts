import { afterEach, expect } from 'vitest';
import { systemClock, type HostClock } from '../../native/clock.ts';
import { insideUsbTestbed } from '../support/usb/inside-suite.ts';
import { announcedCart, unhurried, type AnnouncedCart } from './announced-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
async function cart(clock: HostClock): Promise<AnnouncedCart> {
  const made = await announcedCart(clock);
  cleanUps.push(() => made.end());
  return made;
}

insideUsbTestbed('slots on genuine udev messages', import.meta.filename, {
  'a tablet that comes and goes unannounced is found all the same': async () => {
    const { bus, slot } = await cart(systemClock);
    bus.silence();
    bus.plug('1-1.1', { serial: 'QUIET' });
    await slot({ slot: 1, present: true, serial: 'QUIET' });
    bus.unplug('1-1.1');
    await slot({ slot: 1, present: false });
  },
  'a hub that dies is told once, with all its slots, before them': async () => {
    const { bus, events, slot } = await cart(unhurried);
    bus.plug('1-1.1', { serial: 'A' });
    bus.plug('1-1.2', { serial: 'B' });
    await slot({ slot: 1, serial: 'A' });
    await slot({ slot: 2, serial: 'B' });
    const before = events.length;
    bus.unplug('1-1');
    await slot({ slot: 1, present: false });
    await slot({ slot: 2, present: false });
    expect(events.slice(before)).toEqual([
      { event: 'hub', hub: '1-1', state: 'gone', slots: [1, 2] },
      { event: 'slot', slot: 1, present: false },
      { event: 'slot', slot: 2, present: false },
    ]);
  },
  'a storm of five hundred messages about nothing changes nothing': async () => {
    const { bus, events, slot } = await cart(unhurried);
    for (let turn = 0; turn < 250; turn += 1) {
      bus.plug('1-7', { serial: 'A-KEYBOARD' });
      bus.unplug('1-7');
    }
    await bus.announced();
    bus.plug('1-1.1', { serial: 'LAST' });
    await slot({ slot: 1, serial: 'LAST' });
    expect(events.filter(({ event }) => event === 'slot')).toEqual([
      { event: 'slot', slot: 1, present: true },
      { event: 'slot', slot: 1, present: true, serial: 'LAST' },
    ]);
  },
});
