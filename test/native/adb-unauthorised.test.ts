import { expect } from 'vitest';
import { besideRealAdb } from '../support/adb/beside-real-adb.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

besideRealAdb('a tablet that does not let adb in', {
  'because nobody trusted this cart: it says nothing, is asked nothing, and its neighbour is read': async ({ cart, server, watch }) => {
    const shy = virtualTablet('R52T100SHY', { trusting: false });
    const open = virtualTablet('R52T100OPEN');
    const watched = watch();
    await cart.plug('1-1.1', shy);
    await cart.plug('1-1.2', open);
    const [told] = await Promise.all([watched.until(shy.serial, 'unauthorised'), watched.until(open.serial, 'read')]);
    expect(told.facts).toEqual({});
    expect(shy.asked).toEqual([]);
    expect(await server.adb('devices')).toMatch(/^R52T100SHY\tunauthorized$/m);
    expect(watched.standings(shy.serial)).not.toContain('read');
  },

  'until a person allows it on the screen: then it is read, also with the same key after a replug': async ({ cart, watch }) => {
    const tablet = virtualTablet('R52T100SHY', { trusting: false });
    const watched = watch();
    await cart.plug('1-1.1', tablet);
    await watched.until(tablet.serial, 'unauthorised');
    await cart.unplug('1-1.1');
    await watched.until(tablet.serial, 'gone');
    tablet.trusting = true;
    await cart.plug('1-1.1', tablet);
    await watched.until(tablet.serial, 'read');
    expect(tablet.trusted).toHaveLength(1);
    tablet.trusting = false;
    await cart.unplug('1-1.1');
    await watched.until(tablet.serial, 'gone');
    await cart.plug('1-1.1', tablet);
    await watched.until(tablet.serial, 'read');
    expect(tablet.trusted).toHaveLength(1);
  },

  'because the machine has no udev rule for it: it is offline and the adapter says what to install': async ({ cart, server, watch }) => {
    const tablet = virtualTablet('R52T100ABCD');
    const watched = watch();
    await cart.plug('1-1.1', tablet, { writable: false });
    await watched.until(tablet.serial, 'offline');
    expect(await server.adb('devices')).toMatch(/^R52T100ABCD\tno permissions/m);
    const mendable = await waitFor('the udev rule to be asked for', () => watched.states().find(({ detail }) => detail?.includes('udev rule')));
    expect(mendable.state).toBe('working');
    await cart.unplug('1-1.1');
    await watched.until(tablet.serial, 'gone');
    await cart.plug('1-1.1', tablet);
    await watched.until(tablet.serial, 'read');
    expect(watched.states().at(-1)).toEqual({ event: 'adapter', state: 'working' });
  },
});
