import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { examine, ownMachine, stationJson } from '../support/doctor/machine.ts';
import { plugHidraw } from '../support/hid/sysfs-hidraw.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { killPcscd, pcscdPid, startPcscd } from '../support/pcsc/pcscd.ts';

const NO_SLOTS = { shelves: [[1]], slots: 'none' };
const SOCKET = '/run/pcscd/pcscd.comm';

insidePcscTestbed('the doctor where no smart-card service answers', fileURLToPath(import.meta.url), 1, {
  'one that was killed: says that nobody can take a tablet, and the command that brings it back': async (testbed) => {
    ownMachine();
    await killPcscd(testbed);
    onTestFinished(() => startPcscd(testbed));
    const { code, group } = await examine(['--config', stationJson(NO_SLOTS)]);
    expect(group('Badge readers')).toBe(`Badge readers
  missing   PC/SC service: pcscd does not answer (/run/pcscd/pcscd.comm: ECONNREFUSED)
            Badges over PC/SC are not read: nobody can take a tablet.
            → apt-get install pcscd && systemctl enable --now pcscd.socket
  optional  HID badge readers and scanners: none is plugged in`);
    expect(code).toBe(1);
  },

  'one that hangs: is told from one that is not there, and is to be restarted': async (testbed) => {
    ownMachine();
    const pid = pcscdPid(testbed);
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => void process.kill(pid, 'SIGCONT'));
    const { code, group } = await examine(['--config', stationJson(NO_SLOTS)]);
    expect(group('Badge readers')).toContain('missing   PC/SC service: pcscd takes connections and says nothing (/run/pcscd/pcscd.comm)\n');
    expect(group('Badge readers')).toContain('→ systemctl restart pcscd\n');
    expect(code).toBe(1);
  },

  'none at all: is not missed by a cart that reads badges over HID, configured so or not configured yet': async (testbed) => {
    const { bus } = ownMachine();
    plugHidraw(bus.plug('1-2').path, 0, { vendor: 0x0c27, product: 0x3bfa, name: 'RDR-6082AKU', serial: 'A1', usagePage: 0xff00, usage: 1 });
    await killPcscd(testbed);
    rmSync(SOCKET);
    const configured = await examine(['--config', stationJson({ ...NO_SLOTS, readers: 'none', hidReaders: true })]);
    expect(configured.group('Badge readers')).toBe(`Badge readers
  optional  PC/SC readers: not used ("readers": "none" in the configuration)
  ok        HID badge reader "RDR-6082AKU A1"`);
    const described = await examine([]);
    expect(described.group('Badge readers')).toContain('optional  PC/SC service: pcscd does not answer (/run/pcscd/pcscd.comm: ENOENT)\n');
  },
});
