import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { HubEvent } from '../../native/adapters.ts';
import { portFolder, sysfsPower } from '../../native/hub/sysfs-power.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { powerSwitch, usbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const PORTS = new Map([
  [1, '1-1.2'],
  [2, '1-3'],
]);

function bus() {
  const root = mkdtempSync(join(tmpdir(), 'dockward-power-'));
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }));
  return usbTree(root);
}

async function power(root: string) {
  const events: HubEvent[] = [];
  const clock = heldClock();
  const hub = sysfsPower({ clock, ports: PORTS, root }).start((event) => events.push(event));
  cleanUps.push(() => hub.stop());
  await waitFor('the first look', () => events.some(({ event }) => event === 'adapter'));
  const set = (slot: number, on: boolean) => hub.command({ command: 'port-power', slot, on });
  return { events, clock, hub, set };
}

describe('port power through the kernel', () => {
  it('finds the switch below the hub, also that of a root hub', () => {
    expect([portFolder('1-1.4.2'), portFolder('2-3')]).toEqual(['1-1.4:1.0/1-1.4-port2', '2-0:1.0/usb2-port3']);
  });

  it('switches a port off and on, with its USB 3 face, and tells it', async () => {
    const tree = bus();
    const other = powerSwitch(tree, '2-1.2');
    const [one, two] = [powerSwitch(tree, '1-1.2', dirname(other.file)), powerSwitch(tree, '1-3')];
    const { events, clock, set } = await power(tree.devices);
    // The ports are looked at beside each other: which of them is told first is not promised.
    const bySlot = (event: (typeof events)[number]): number => (event.event === 'port' ? event.slot : Number.MAX_SAFE_INTEGER);
    expect(events.toSorted((a, b) => bySlot(a) - bySlot(b))).toEqual([
      { event: 'port', slot: 1, readMonoMs: 0, reading: { power: 'sync' } },
      { event: 'port', slot: 2, readMonoMs: 0, reading: { power: 'sync' } },
      { event: 'adapter', state: 'working' },
    ]);
    clock.advance(1_000);
    expect(await set(1, false)).toEqual({ ok: true });
    expect([one.read(), other.read(), two.read()]).toEqual(['1', '1', '0']);
    expect(events.at(-1)).toEqual({ event: 'port', slot: 1, readMonoMs: 1_000, reading: { power: 'off' } });
    clock.advance(1_000);
    expect(await set(1, true)).toEqual({ ok: true });
    expect([one.read(), other.read()]).toEqual(['0', '0']);
    expect(events.at(-1)).toEqual({ event: 'port', slot: 1, readMonoMs: 2_000, reading: { power: 'sync' } });
  });

  it('tells each port again before a minute is over', async () => {
    const tree = bus();
    powerSwitch(tree, '1-1.2');
    powerSwitch(tree, '1-3');
    const { events, clock } = await power(tree.devices);
    clock.advance(59_000);
    await waitFor('the second reading', () => events.filter((event) => event.event === 'port' && event.slot === 1).length === 2);
  });

  it('says which slots a hub cannot switch, refuses those, and works the others', async () => {
    const tree = bus();
    powerSwitch(tree, '1-3');
    const { events, set, hub } = await power(tree.devices);
    expect(events.at(-1)).toEqual({ event: 'adapter', state: 'working', detail: 'slot 1: its hub cannot switch this port, or is not plugged in' });
    expect(await set(1, false)).toEqual({ ok: false, reason: 'no-power-control' });
    expect(await set(2, false)).toEqual({ ok: true });
    expect(await set(9, false)).toEqual({ ok: false, reason: 'no-slot' });
    expect(await hub.command({ command: 'light', slot: 2, light: 'take' })).toEqual({ ok: false, reason: 'no-light' });
  });

  it('is absent on hubs without switches, and works once such a hub is plugged in', async () => {
    const tree = bus();
    const { events, clock } = await power(tree.devices);
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: expect.stringContaining('no hub of this cart can switch') as string }]);
    powerSwitch(tree, '1-1.2');
    powerSwitch(tree, '1-3');
    clock.advance(5_000);
    await waitFor('work', () => events.some((event) => event.event === 'adapter' && event.state === 'working'));
  });
});
