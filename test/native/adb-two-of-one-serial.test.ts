import { expect } from 'vitest';
import { besideRealAdb } from '../support/adb/beside-real-adb.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';

besideRealAdb('two tablets that say they are the same', {
  'neither is believed while both are there; the one that stays is read afresh': async ({ cart, server, watch }) => {
    const first = virtualTablet('R52T100ABCD');
    const second = virtualTablet('R52T100ABCD', { battery: { level: 9, status: 3 } });
    const watched = watch();
    await cart.plug('1-1.1', first);
    await watched.until('R52T100ABCD', 'read');
    await cart.plug('1-1.2', second);
    const told = await watched.until('R52T100ABCD', 'unreadable');
    expect(told.facts).toEqual({});
    while ((await server.adb('devices')).match(/^R52T100ABCD\tdevice$/gm)?.length !== 2);
    await cart.unplug('1-1.1');
    expect((await watched.until('R52T100ABCD', 'read')).facts).toMatchObject({ batteryPercent: 9, charging: false });
    expect(watched.standings('R52T100ABCD').filter((standing) => standing === 'read' || standing === 'unreadable')).toEqual(['read', 'unreadable', 'read']);
    expect(first.asked).toHaveLength(1);
    expect(second.asked).toHaveLength(1);
  },
});
