import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examine, ownMachine, stationJson, whyNoNobody } from '../support/doctor/machine.ts';
import { plugHidraw } from '../support/hid/sysfs-hidraw.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { powerSwitch } from '../support/usb/usb-tree.ts';

const SOCKET = '/run/pcscd/pcscd.comm';
const PCSCD_RIGHTS = 0o666;
const RULES = `            → cp resources/linux/70-dockward.rules /etc/udev/rules.d/70-dockward.rules && udevadm control --reload && udevadm trigger
            → groupadd --force --system dockward && usermod -aG dockward nobody   (then sign in again)`;

/** Everything that a cart may have, and all of it root's own. */
function closedCart() {
  const { bus, letsAdbIn } = ownMachine();
  bus.plug('1-1', { hub: true });
  const { enumeration } = bus.plug('1-1.1', { serial: 'R52T100ABC1' });
  const { node } = letsAdbIn('1-1.1', enumeration);
  const power = powerSwitch(bus, '1-1.1').file;
  chmodSync(power, 0o600);
  const reader = plugHidraw(bus.plug('1-2').path, 0, { vendor: 0x0c27, product: 0x3bfa, name: 'RDR-6082AKU', serial: 'A1', usagePage: 0xff00, usage: 1 });
  const scanner = plugHidraw(bus.plug('1-3').path, 1, { vendor: 0x1fbb, product: 0x3681, name: 'LSR118', serial: 'S7', usagePage: 0x8c, usage: 2 });
  const file = stationJson({ shelves: [[1]], ports: { 1: '1-1.1' }, hidReaders: true, hub: { kind: 'kernel' }, tablets: { adb: { start: true } } });
  return { node, power, reader, scanner, file };
}

const suite = 'the doctor of a user who may not touch the hardware';
const tests: Parameters<typeof insidePcscTestbed>[3] = {
  'names each right that is missing, what it costs, and the file and command that give it': async () => {
    const { file } = closedCart();
    chmodSync(SOCKET, 0o600);
    onTestFinished(() => chmodSync(SOCKET, PCSCD_RIGHTS));
    const { code, group } = await examine(['--config', file], { asNobody: true, home: '/root' });
    expect(group('Badge readers')).toBe(`Badge readers
  missing   PC/SC service: the user nobody may not speak with pcscd: no right to write to /run/pcscd/pcscd.comm
            Badges over PC/SC are not read: nobody can take a tablet.
            → systemctl cat pcscd.socket   (SocketMode must be 0666, as Debian has it), then systemctl restart pcscd.socket
  missing   HID badge reader "RDR-6082AKU A1": the user nobody may not read and write /dev/hidraw0
            Badges held to it are not read.
${RULES}
  missing   HID scanner "LSR118 S7": the user nobody may not read and write /dev/hidraw1
            Asset labels are not read: a tablet that is too empty to start cannot be told from another.
            → add this line to resources/linux/70-dockward.rules: KERNEL=="hidraw*", ATTRS{idVendor}=="1fbb", GROUP="dockward", MODE="0660"
${RULES}`);
    expect(group('Hub')).toBe(`Hub
  ok        hub 1-1: SuperSync15, 15 ports, the power of 1 can be switched
  missing   port power: the user nobody may not switch slot 1 (port 1-1.1)
            The night run cannot switch a slot off and on to help a tablet that hangs.
${RULES}
            → then plug the hub in again: the kernel makes these files anew each time`);
    expect(group('Tablets')).toMatch(/missing {3}no adb server answers on port 5037, and the user nobody cannot start it: it keeps its key in \/root\/\.android, which that user may not write\n.*\n {12}→ install -d -o nobody -m 0700 \/root\/\.android/);
    expect(group('Tablets')).toContain(`missing   SM-T630 on port 1-1.1: the user nobody may not read and write /dev/bus/usb/001/003
            An adb server of this user cannot open the tablet: it tells nothing.
${RULES}`);
    expect(group('Program')).toContain('ok        rights: those of the user nobody were looked at\n');
    expect(code).toBe(1);
  },

  'finds each of them given, once it is': async () => {
    const { node, power, reader, scanner, file } = closedCart();
    for (const given of [node, power, reader, scanner]) chmodSync(given, 0o666);
    const { group } = await examine(['--config', file], { asNobody: true, home: '/tmp' });
    const groups = ['Badge readers', 'Slots and USB', 'Hub', 'Tablets'].map(group).join('\n');
    expect(groups.match(/missing .*/g)).toBeNull();
    expect(groups).toContain('ok        HID scanner "LSR118 S7"');
    expect(groups).toContain('ok        no adb server answers on port 5037: the station starts it ("start": true)');
  },

  'names a reader that types like a keyboard, and what to do about it, though nobody may open it': async () => {
    const { bus } = ownMachine();
    plugHidraw(bus.plug('1-2').path, 0, { vendor: 0x0c27, product: 0x3bfa, name: 'pcProx', usagePage: 0x01, usage: 6 });
    const typing = await examine(['--config', stationJson({ shelves: [[1]], slots: 'none', hidReaders: true })], { asNobody: true });
    expect(typing.group('Badge readers')).toContain(`missing   badge reader "pcProx /dev/hidraw0" types its numbers like a keyboard
            A typed badge is no tap, because anybody could type one: the reader is not opened.
            → have it re-programmed to SDK mode (rf IDEAS Configuration Utility), or use a PC/SC reader
            → if it is an SDK model, which types nothing and only looks like a keyboard: write "hidReaders": {"keyboardShaped": true} into station.json`);
    const allowed = await examine(['--config', stationJson({ shelves: [[1]], slots: 'none', hidReaders: { keyboardShaped: true } })], { asNobody: true });
    expect(allowed.group('Badge readers')).toContain('missing   HID badge reader "pcProx /dev/hidraw0": the user nobody may not read and write /dev/hidraw0\n');
  },
};

const reason = whyNoNobody();
if (reason === undefined) insidePcscTestbed(suite, fileURLToPath(import.meta.url), 1, tests);
else {
  describe(suite, () => {
    for (const name of Object.keys(tests)) it.skip(`${name} (skipped: ${reason})`, () => {});
  });
}
