import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import { hidReaders } from '../../native/readers/hid/hid.ts';
import type { HidDevice } from '../../native/readers/hid/node-hid-module.ts';
import { startHidCart, whyNoHidTestbed } from '../support/hid/testbed.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';

const reason = whyNoHidTestbed();
const KEYBOARD = { usagePage: 1, usage: 6 };
/** A keyboard's report: no modifier, key 1, then none. */
const TYPED = '00001E00000000000000000000000000';

describe('a reader that looks like a keyboard, where the ward allows it', () => {
  it.skipIf(reason !== undefined)(`is asked by feature reports, and what it types is no tap${reason === undefined ? '' : ` (skipped: ${reason})`}`, async () => {
    await using cart = startHidCart('keyboard-shaped');
    await cart.order('plug 0 keyboard');
    await waitFor('the reader', () => cart.events.some((event) => event.event === 'reader' && event.state === 'present'));
    await cart.order(`report 0 ${TYPED}`);
    await cart.order('card 0 11223344 32');
    await waitFor('the tap', () => cart.cards().length === 1);
    await cart.order('lift 0');
    await waitFor('the removal', () => cart.cards().length === 2);
    expect(cart.cards()).toEqual(['tap 44332211', 'card-removed']);
  });

  it('is never listened to, and no other keyboard is opened', async () => {
    const opened: string[] = [];
    const device: HidDevice = Object.assign(new EventEmitter(), { sendFeatureReport: async () => 9, getFeatureReport: async () => Buffer.alloc(9), close: async () => {} });
    const open = async (path: string): Promise<HidDevice> => {
      opened.push(path);
      return device;
    };
    const devices = [
      { vendorId: 0x0c27, productId: 0x3bfa, path: 'known', ...KEYBOARD },
      { vendorId: 0x0c27, productId: 0x3b1e, path: 'other product of the maker', ...KEYBOARD },
      { vendorId: 0x046d, productId: 0x3bfa, path: 'other maker', ...KEYBOARD },
    ];
    const events: ReaderEvent[] = [];
    const running = hidReaders({ clock: heldClock(), keyboardShaped: true, load: () => ({ found: true, hid: { devicesAsync: async () => devices, HIDAsync: { open } } }) }).start((event) => events.push(event));
    for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(device.listenerCount('data')).toBe(0);
    await running.stop();
    expect(opened).toEqual(['known']);
    expect(events.map((event) => ('state' in event ? `${event.event} ${event.state}` : event.event))).toEqual(['reader present', 'adapter working']);
  });
});
