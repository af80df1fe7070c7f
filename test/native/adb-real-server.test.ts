import { expect } from 'vitest';
import { parseDevices } from '../../native/tablets/adb-devices.ts';
import type { AdbServer } from '../support/adb/adb-server.ts';
import { besideRealAdb } from '../support/adb/beside-real-adb.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';
import type { WatchedAdapter } from '../support/adb/watched-adapter.ts';

/** What the real adb client prints of each tablet: serial, state and port, its transport id cut off. */
async function printed(server: AdbServer): Promise<string[]> {
  const lines = (await server.adb('devices', '-l')).split('\n').slice(1);
  return lines.filter((line) => line !== '').map((line) => line.replace(/ +/g, ' ').replace(/ transport_id:\d+$/, '')).sort();
}

/** What the adapter last told of each tablet that is not gone. */
function told(watched: WatchedAdapter): Record<string, string> {
  const standings: Record<string, string> = {};
  for (const event of watched.events) {
    if (event.event !== 'tablet') continue;
    if (event.standing === 'gone') delete standings[event.serial];
    else standings[event.serial] = event.standing;
  }
  return standings;
}

besideRealAdb('two tablets coming and going on a real adb server', {
  'adb devices -l and the adapter agree at every step, and the facts are the tablet\'s own': async ({ cart, server, watch }) => {
    const left = virtualTablet('R52T100ABCD');
    const right = virtualTablet('R52T100EFGH', { battery: { level: 100, status: 5 }, provisioned: false });
    const watched = watch();
    const named = 'product:gtactive5wifi model:SM_X300 device:gtactive5';

    await cart.plug('1-1.4', left);
    const first = await watched.until(left.serial, 'read');
    expect(await printed(server)).toEqual([`R52T100ABCD device usb:1-1.4 ${named}`]);
    expect(first.facts).toEqual({
      manufacturer: 'samsung',
      model: 'SM-X300',
      osVersion: '15',
      build: 'samsung/gtactive5wifi/gtactive5:15/AP3A.240905.015/X300XXU5:user/release-keys',
      securityPatch: '2026-09-01',
      verifiedBoot: 'green',
      provisioned: true,
      batteryPercent: 83,
      charging: true,
      batteryCelsius: 27,
      batteryHealth: 'good',
    });

    await cart.plug('1-1.1.2', right);
    expect((await watched.until(right.serial, 'read')).facts).toMatchObject({ provisioned: false, batteryPercent: 100, charging: true });
    expect(await printed(server)).toEqual([`R52T100ABCD device usb:1-1.4 ${named}`, `R52T100EFGH device usb:1-1.1.2 ${named}`]);
    expect(told(watched)).toEqual({ R52T100ABCD: 'read', R52T100EFGH: 'read' });

    await cart.unplug('1-1.4');
    await watched.until(left.serial, 'gone');
    expect(await printed(server)).toEqual([`R52T100EFGH device usb:1-1.1.2 ${named}`]);
    expect(told(watched)).toEqual({ R52T100EFGH: 'read' });

    left.battery = { level: 12, status: 3 };
    await cart.plug('1-1.7', left);
    expect((await watched.until(left.serial, 'read')).facts).toMatchObject({ batteryPercent: 12, charging: false });
    expect(await printed(server)).toEqual([`R52T100ABCD device usb:1-1.7 ${named}`, `R52T100EFGH device usb:1-1.1.2 ${named}`]);

    await Promise.all([cart.unplug('1-1.7'), cart.unplug('1-1.1.2')]);
    await Promise.all([watched.until(left.serial, 'gone'), watched.until(right.serial, 'gone')]);
    expect(await printed(server)).toEqual([]);
    expect(watched.states()).toEqual([{ event: 'adapter', state: 'working' }]);
  },

  'ten quick replugs: every return is read again, and nothing is told of a tablet that is gone': async ({ cart, watch }) => {
    const tablet = virtualTablet('R52T100ABCD');
    const watched = watch();
    for (let level = 1; level <= 10; level += 1) {
      tablet.battery = { level, status: 2 };
      await cart.plug(`1-1.${level}`, tablet);
      expect((await watched.until(tablet.serial, 'read')).facts.batteryPercent).toBe(level);
      await cart.unplug(`1-1.${level}`);
      await watched.until(tablet.serial, 'gone');
    }
    // Before it is let in it may be seen as offline or unauthorised.
    const told = watched.standings(tablet.serial).filter((standing) => standing !== 'offline' && standing !== 'unauthorised');
    expect(told).toEqual(Array.from({ length: 10 }, () => ['read', 'gone']).flat());
  },

  'the tablet is asked for what it says of itself and for nothing that would change it': async ({ cart, server, watch }) => {
    const tablet = virtualTablet('R52T100ABCD');
    const watched = watch();
    await cart.plug('1-1.4', tablet);
    await watched.until(tablet.serial, 'read');
    const commands = tablet.asked.flatMap((service) => service.replace(/^shell,v2,raw:/, '').split('; '));
    const asked = commands.filter((command) => !/^echo "dockward-end \$\?"$/.test(command));
    expect(asked).toEqual(['getprop', 'dumpsys battery', 'settings get global device_provisioned']);
    // The emulator is what adb takes for a tablet, so its own client gets the same answers.
    expect(await server.adb('-s', tablet.serial, 'shell', 'getprop ro.build.version.security_patch')).toBe('2026-09-01\n');
    await expect(server.adb('-s', tablet.serial, 'shell', 'am broadcast')).rejects.toMatchObject({ code: 127 });
  },

  'tablets of the list are read the same by the adapter and by its parser': async ({ cart, server, watch }) => {
    const watched = watch();
    await cart.plug('1-1.4', virtualTablet('R52T100ABCD'));
    await watched.until('R52T100ABCD', 'read');
    const [, ...lines] = (await server.adb('devices', '-l')).split('\n');
    expect(parseDevices(lines.join('\n'))).toEqual([{ serial: 'R52T100ABCD', state: 'device', port: '1-1.4' }]);
  },
});
