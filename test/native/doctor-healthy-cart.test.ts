import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { adbServer } from '../support/adb/adb-server.ts';
import { fakeCart } from '../support/adb/fake-cart.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';
import { examine, isKioskBuilt, ownMachine, stationJson } from '../support/doctor/machine.ts';
import { plugHidraw } from '../support/hid/sysfs-hidraw.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { afterwards } from '../support/pcsc/ward.ts';
import { powerSwitch } from '../support/usb/usb-tree.ts';

const PORTS = { 1: '1-1.1', 2: '1-1.2', 3: '1-1.3', 4: '1-1.4' };

/** Hub with four switchable ports and as many tablets, an rf IDEAS reader and a scanner, and one tablet that lets adb in. */
async function healthyCart(): Promise<{ readonly adbPort: number }> {
  const { bus, letsAdbIn } = ownMachine();
  bus.plug('1-1', { hub: true });
  const tablets = Object.entries(PORTS).map(([slot, port]) => {
    powerSwitch(bus, port);
    return bus.plug(port, { serial: `R52T100ABC${slot}` });
  });
  letsAdbIn('1-1.1', tablets[0]?.enumeration ?? 0);
  plugHidraw(bus.plug('1-2').path, 0, { vendor: 0x0c27, product: 0x3bfa, name: 'RDR-6082AKU', serial: 'A1', usagePage: 0xff00, usage: 1 });
  plugHidraw(bus.plug('1-3').path, 1, { vendor: 0x0c2e, product: 0x0b6a, name: 'Voyager 1602g', serial: 'S7', usagePage: 0x8c, usage: 2 });
  const cart = fakeCart();
  afterwards(() => cart.remove());
  const server = await adbServer(cart.root);
  afterwards(() => server.remove());
  await server.start();
  await cart.plug('1-1.1', virtualTablet('R52T100ABC1'));
  await waitUntilAuthorised(server);
  return { adbPort: server.port };
}

async function waitUntilAuthorised(server: { adb(...command: string[]): Promise<string> }): Promise<void> {
  while (!/R52T100ABC1\s+device/.test(await server.adb('devices')));
}

insidePcscTestbed('the doctor in front of a healthy cart', fileURLToPath(import.meta.url), 1, {
  'finds everything that its configuration uses, and says so with exit code 0': async () => {
    const { adbPort } = await healthyCart();
    const file = stationJson({ shelves: [[1, 2], [3, 4]], ports: PORTS, hidReaders: true, hub: { kind: 'kernel' }, tablets: { adb: { port: adbPort } } });
    const { text, code } = await examine(['--config', file]);
    expect(text.replace(/\n {2}\w+ +kiosk page: .*(?:\n {12}.*)*/, '').replaceAll(String(adbPort), 'PORT')).toBe(`Judged by station.json: 4 slots (usb), readers pcsc and HID readers, hub kernel, tablets asked by adb.

Badge readers
  ok        PC/SC reader "Ward Reader 0 00 00"
  ok        PC/SC reader "Ward Reader 0 00 01"
  ok        HID badge reader "RDR-6082AKU A1"
  ok        HID scanner "Voyager 1602g S7"

Slots and USB
  ok        slot 1 → port 1-1.1: SM-T630, serial R52T100ABC1
  ok        slot 2 → port 1-1.2: SM-T630, serial R52T100ABC2
  ok        slot 3 → port 1-1.3: SM-T630, serial R52T100ABC3
  ok        slot 4 → port 1-1.4: SM-T630, serial R52T100ABC4
  ok        port 1-2: RDR-6082AKU, in no slot
  ok        port 1-3: Voyager 1602g, in no slot

Hub
  ok        hub 1-1: SuperSync15, 15 ports, the power of 4 can be switched
  ok        port power: can be switched for slot 1 (port 1-1.1), slot 2 (port 1-1.2), slot 3 (port 1-1.3), slot 4 (port 1-1.4)

Tablets
  ok        adb server on port PORT: answers
  ok        Android tablet R52T100ABC1: samsung SM-X300, version 15, patch 2026-09-01, verified boot green, set up, battery 83 %
  optional  Apple tablets: not asked ("tablets": {"apple": {}} in station.json asks them)
            The cart works without: it needs a tablet’s USB serial only.

Program
  ok        Dockward V, Node V, SQLite V, a system
  optional  rights: root may do everything, so none was found missing
            The station runs as dockward where resources/linux is installed: ask as that user.
            → runuser -u dockward -- npm run doctor -- …
  optional  kiosk window: neither the binary of Electron V with a display, nor a Chromium with one
            The kiosk can be any browser at the address that the station prints.
            → start from a graphical session; npx electron --version fetches the binary, or apt-get install chromium

${isKioskBuilt() ? 'Nothing that this cart needs is missing.' : '1 thing that this cart needs is missing.'}
`);
    expect(code).toBe(isKioskBuilt() ? 0 : 1);
  },

  'without a configuration describes it, and says what to write into one': async () => {
    await healthyCart();
    const { text, code, group } = await examine([]);
    expect(text).toMatch(/^No configuration was given, so this describes what is here\. .*--config station\.json/);
    expect(group('Badge readers')).toContain('ok        HID badge reader "RDR-6082AKU A1"\n            To use it, write "hidReaders": true into station.json.');
    expect(group('Slots and USB')).toContain('ok        port 1-1.4: SM-T630, serial R52T100ABC4\n');
    expect(group('Slots and USB')).toContain('→ npm run doctor -- --learn 1-8');
    expect(group('Hub')).toContain('ok        port power: the kernel can switch it\n            To use it, write "hub": {"kind": "kernel"} into station.json.');
    expect(group('Hub')).toContain('optional  hub 1-1 is made by Cambrionix, and its Hub API does not answer on 127.0.0.1:43424');
    expect(code).toBe(isKioskBuilt() ? 0 : 1);
  },
});
