import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect } from 'vitest';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { insideUsbTestbed } from '../support/usb/inside-suite.ts';
import { announcedCart, unhurried } from './announced-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** udev's own library doubts a /sys that is no sysfs, unless told not to. */
const env = { ...process.env, SYSTEMD_DEVICE_VERIFY_SYSFS: '0' };
const listed = (program: string, ...given: string[]): string => execFileSync(program, given, { encoding: 'utf8', env });

insideUsbTestbed('the virtual bus', import.meta.filename, {
  'shows udevadm, lsusb and our adapter the same tablet coming and going': async () => {
    const { bus, events, slot, end } = await announcedCart(unhurried);
    cleanUps.push(end);
    const monitor = spawn('udevadm', ['monitor', '--udev', '--subsystem-match=usb/usb_device'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let seen = '';
    monitor.stdout.on('data', (text: Buffer) => (seen += text.toString()));
    cleanUps.push(async () => {
      const gone = once(monitor, 'exit');
      monitor.kill();
      await gone;
    });
    await waitFor('udevadm to listen', () => seen.includes('UDEV - the event which udev sends out'));
    const { path } = bus.plug('1-1.2', { serial: 'R52T100EFGH' });
    await slot({ slot: 2, present: true, serial: 'R52T100EFGH' });
    await waitFor('udevadm to see it come', () => new RegExp(`UDEV +\\[[\\d.]+\\] add +/${path} \\(usb\\)`).test(seen));
    expect(listed('lsusb')).toContain('ID 04e8:6860');
    expect(listed('udevadm', 'info', '--attribute-walk', `/sys/${path}`)).toContain('ATTR{serial}=="R52T100EFGH"');
    bus.unplug('1-1.2');
    await slot({ slot: 2, present: false });
    await waitFor('udevadm to see it go', () => new RegExp(`UDEV +\\[[\\d.]+\\] remove +/${path} \\(usb\\)`).test(seen));
    expect(listed('lsusb')).not.toContain('ID 04e8:6860');
    expect(events.filter(({ event }) => event === 'slot')).toEqual([
      { event: 'slot', slot: 2, present: true },
      { event: 'slot', slot: 2, present: true, serial: 'R52T100EFGH' },
      { event: 'slot', slot: 2, present: false },
    ]);
  },
}, ['udevadm', 'lsusb']);
