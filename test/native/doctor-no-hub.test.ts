import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { examine, ownMachine, stationJson } from '../support/doctor/machine.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';

const FOUR = { shelves: [[1, 2, 3, 4]], ports: { 1: '1-1.1', 2: '1-1.4.2', 3: '1-2.9', 4: '1-3.1' }, hub: { kind: 'kernel' } };

insidePcscTestbed('the doctor where the hub is missing', fileURLToPath(import.meta.url), 1, {
  'without a configuration: a cart needs one, and where to look is said': async () => {
    ownMachine();
    const { code, group } = await examine([]);
    expect(group('Hub')).toBe(`Hub
  missing   no hub is connected
            The slots of a cart hang on one: without it no tablet is seen, and none is given out or taken back.
            → look at the cable between hub and computer, and at the hub’s power supply; lsusb -t must show it`);
    expect(group('Slots and USB')).toContain('optional  nothing is plugged into USB\n');
    expect(code).toBe(1);
  },

  'with one: each slot says why its port is not there, the uppermost hub that is gone first': async () => {
    const { bus } = ownMachine();
    const file = stationJson(FOUR);
    const { group } = await examine(['--config', file]);
    expect(group('Slots and USB').match(/slot \d.*/g)).toEqual([
      'slot 1 → port 1-1.1: no such port, hub 1-1 is not connected',
      'slot 2 → port 1-1.4.2: no such port, hub 1-1 is not connected',
      'slot 3 → port 1-2.9: no such port, hub 1-2 is not connected',
      'slot 4 → port 1-3.1: no such port, hub 1-3 is not connected',
    ]);
    expect(group('Hub')).toContain('missing   port power: no switch for slot 1 (port 1-1.1), slot 2 (port 1-1.4.2), slot 3 (port 1-2.9), slot 4 (port 1-3.1)\n');
    // Half of it comes back, and the map turns out to be wrong.
    bus.plug('1-1.1', { serial: 'R52T100ABC1' });
    bus.plug('1-2', { hub: true, ports: 4 });
    bus.plug('1-3', { product: 'a keyboard' });
    const half = await examine(['--config', file]);
    expect(half.group('Slots and USB').match(/(?:ok|missing) +slot .*/g)).toEqual([
      'ok        slot 1 → port 1-1.1: SM-T630, serial R52T100ABC1',
      'missing   slot 2 → port 1-1.4.2: no such port, hub 1-1.4 is not connected',
      'missing   slot 3 → port 1-2.9: no such port, hub 1-2 has 4 ports',
      'missing   slot 4 → port 1-3.1: no such port, what is on 1-3 is no hub, but a keyboard',
    ]);
    expect(half.group('Slots and USB')).toContain('            Tablets put into this slot are never seen: it cannot offer one, nor take one back.\n            → look at the cable between that hub and the computer, and at its power supply\n            → or the map is wrong: npm run doctor -- --learn makes it anew\n');
    expect(half.code).toBe(1);
  },

  'what is in a slot is judged: a hub, a tablet that tells no serial, two that tell the same': async () => {
    const { bus } = ownMachine();
    bus.plug('1-1.1', { hub: true });
    bus.plug('1-1.2', {});
    bus.plug('1-1.3', { serial: 'R52T100ABC3' });
    bus.plug('1-1.4', { serial: 'R52T100ABC3' });
    const { group, code } = await examine(['--config', stationJson({ shelves: [[1, 2, 3, 4]], ports: { 1: '1-1.1', 2: '1-1.2', 3: '1-1.3', 4: '1-1.4' } })]);
    expect(group('Slots and USB').match(/(?:ok|missing) +slot .*/g)).toEqual([
      'missing   slot 1 → port 1-1.1: that is a hub, SuperSync15, and no slot',
      'missing   slot 2 → port 1-1.2: SM-T630, which tells no serial number',
      'missing   slot 3 → port 1-1.3: SM-T630, serial R52T100ABC3, the same as in slot 4',
      'missing   slot 4 → port 1-1.4: SM-T630, serial R52T100ABC3, the same as in slot 3',
    ]);
    expect(code).toBe(1);
  },

  'a configured Cambrionix hub whose service does not answer is missed, with what to start': async () => {
    ownMachine().bus.plug('1-1.1', { serial: 'R52T100ABC1' });
    const { group, code } = await examine(['--config', stationJson({ shelves: [[1]], ports: { 1: '1-1.1' }, hub: { kind: 'cambrionix', slots: { 1: { unit: 'DN0071ZZ', port: 1 } } } })]);
    expect(group('Hub')).toMatch(/missing {3}Cambrionix: the Cambrionix Hub API on 127\.0\.0\.1:43424 does not answer .*start its service, CambrionixApiService\n/);
    expect(code).toBe(1);
  },
});
