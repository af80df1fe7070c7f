import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SlotEvent } from '../../native/adapters.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';
import { leavingOutAttachments, stateWithoutAttachment } from './leaving-out-attachments.ts';

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const PORTS = new Map([
  [1, '1-1.1'],
  [2, '1-2.2'],
]);

/** A folder that looks like the kernel's table of USB devices, with the two hubs that the slots hang on. */
function bus() {
  const root = join(mkdtempSync(join(tmpdir(), 'dockward-usb-')), 'devices');
  mkdirSync(root);
  cleanUps.push(() => rmSync(join(root, '..'), { recursive: true, force: true }));
  let enumerations = 2;
  const plug = (port: string, serial?: string): void => {
    enumerations += 1;
    mkdirSync(join(root, port), { recursive: true });
    if (serial !== undefined) writeFileSync(join(root, port, 'serial'), `${serial}\n`);
    writeFileSync(join(root, port, 'devnum'), `${enumerations}\n`);
  };
  plug('1-1');
  plug('1-2');
  return { root, plug, unplug: (port: string) => rmSync(join(root, port), { recursive: true }) };
}

async function watching(root: string, ports: ReadonlyMap<number, string> = PORTS) {
  const clock = heldClock();
  const events: SlotEvent[] = [];
  const slots = usbSlots({ clock, ports, root, events: () => ({ found: false, detail: 'not in this test' }) }).start((event) => events.push(leavingOutAttachments(event)));
  cleanUps.push(() => slots.stop());
  const changes = () => events.filter(({ event }) => event === 'slot');
  return { clock, events, slots, changes, look: () => clock.advance(250), whole: () => waitFor('the whole cart', () => events.find(({ event }) => event === 'slots')) };
}

describe('real slots over the kernel\'s table of USB devices', () => {
  it('are told whole, with the serials of the tablets that were there all along', async () => {
    const { root, plug } = bus();
    plug('1-2.2', 'R52T90ABCD');
    const { whole, slots, events } = await watching(root);
    expect(await whole()).toEqual({ event: 'slots', slots: [{ slot: 1, present: false }, { slot: 2, present: true, serial: 'R52T90ABCD' }] });
    expect(events[0]).toEqual({ event: 'adapter', state: 'working' });
    expect(slots.snapshot()?.map(stateWithoutAttachment)).toEqual([{ slot: 1, present: false }, { slot: 2, present: true, serial: 'R52T90ABCD' }]);
  });

  it('tell a tablet docked, its serial, and pulled', async () => {
    const { root, plug, unplug } = bus();
    const { whole, look, changes } = await watching(root);
    await whole();
    plug('1-1.1', 'SERIAL-1');
    look();
    await waitFor('the serial', () => changes().length === 2);
    unplug('1-1.1');
    look();
    expect(changes()).toEqual([
      { event: 'slot', slot: 1, present: true },
      { event: 'slot', slot: 1, present: true, serial: 'SERIAL-1' },
      { event: 'slot', slot: 1, present: false },
    ]);
  });

  it('tell a tablet swapped between two looks as gone and come, never as unmoved', async () => {
    const { root, plug, unplug } = bus();
    plug('1-1.1', 'SAME');
    const { whole, look, changes } = await watching(root);
    await whole();
    unplug('1-1.1');
    plug('1-1.1', 'SAME');
    look();
    await waitFor('the serial', () => changes().length === 3);
    expect(changes()).toEqual([
      { event: 'slot', slot: 1, present: false },
      { event: 'slot', slot: 1, present: true },
      { event: 'slot', slot: 1, present: true, serial: 'SAME' },
    ]);
  });

  it('wait a second for a serial that the kernel holds back, then say present, and the serial when it comes', async () => {
    const { root, plug } = bus();
    plug('1-1.1');
    execFileSync('mkfifo', [join(root, '1-1.1', 'serial')]);
    const { clock, whole, events, changes } = await watching(root);
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    clock.advance(1);
    expect(await whole()).toMatchObject({ slots: [{ slot: 1, present: true }, { slot: 2, present: false }] });
    writeFileSync(join(root, '1-1.1', 'serial'), 'LATE\n');
    await waitFor('the serial', () => changes().length === 1);
    expect(changes()).toEqual([{ event: 'slot', slot: 1, present: true, serial: 'LATE' }]);
  });

  it('wait for a held-back serial also where a hub was late and the reading had begun before it came', async () => {
    const { root, plug, unplug } = bus();
    unplug('1-2');
    plug('1-1.1');
    execFileSync('mkfifo', [join(root, '1-1.1', 'serial')]);
    const { look, whole, changes } = await watching(root);
    look();
    plug('1-2');
    look();
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(join(root, '1-1.1', 'serial'), 'LATE\n');
    expect(await whole()).toMatchObject({ slots: [{ slot: 1, present: true, serial: 'LATE' }, { slot: 2, present: false }] });
    expect(changes()).toEqual([]);
  });

  it('never tell the held-back serial of a tablet that has been swapped for another meanwhile', async () => {
    const { root, plug, unplug } = bus();
    const { whole, look, changes } = await watching(root);
    await whole();
    plug('1-1.1');
    const heldBack = join(root, '1-1.1', 'serial');
    execFileSync('mkfifo', [heldBack]);
    look();
    const writer = await open(heldBack, 'w');
    unplug('1-1.1');
    plug('1-1.1', 'NEW');
    look();
    await writer.write('OLD\n');
    await writer.close();
    await waitFor('the serial of the new one', () => {
      look();
      return changes().some((event) => 'serial' in event);
    });
    expect(changes()).toEqual([
      { event: 'slot', slot: 1, present: true },
      { event: 'slot', slot: 1, present: false },
      { event: 'slot', slot: 1, present: true },
      { event: 'slot', slot: 1, present: true, serial: 'NEW' },
    ]);
  });

  it('say present without a serial for a tablet that has none, or one that cannot be one', async () => {
    const { root, plug } = bus();
    plug('1-1.1');
    plug('1-2.2', 'has blanks in it');
    const { whole } = await watching(root);
    expect(await whole()).toEqual({ event: 'slots', slots: [{ slot: 1, present: true }, { slot: 2, present: true }] });
  });

  it('say once that a serial cannot be read, and no longer when the tablet is gone', async () => {
    const { root, plug, unplug } = bus();
    const { whole, look, events } = await watching(root);
    await whole();
    plug('1-1.1');
    mkdirSync(join(root, '1-1.1', 'serial'));
    const standings = () => events.filter(({ event }) => event === 'adapter').slice(1);
    await waitFor('the trouble', () => {
      look();
      return standings().length > 0;
    });
    for (let turn = 0; turn < 3; turn += 1) {
      look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(standings()).toEqual([{ event: 'adapter', state: 'failing', detail: expect.stringMatching(/^slot 1: the tablet's serial cannot be read/) as string }]);
    unplug('1-1.1');
    look();
    expect(standings().at(-1)).toEqual({ event: 'adapter', state: 'working' });
  });

  it('on a machine without USB are absent and unknown, never empty, and whole once the bus is there', async () => {
    const { root, plug } = bus();
    rmSync(root, { recursive: true });
    const { events, slots, look, whole } = await watching(root);
    look();
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: expect.stringContaining('no USB bus') as string }]);
    expect(slots.snapshot()).toBeUndefined();
    mkdirSync(root);
    plug('1-1');
    plug('1-2');
    look();
    await whole();
    rmSync(root, { recursive: true });
    look();
    expect(slots.snapshot()).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ event: 'adapter', state: 'absent' });
  });

  it('refuse lights and power, which such a cart does not have', async () => {
    const { root } = bus();
    const { slots } = await watching(root);
    expect(await slots.command({ command: 'light', slot: 1, light: 'take' })).toEqual({ ok: false, reason: 'no-light' });
    expect(await slots.command({ command: 'port-power', slot: 2, on: true })).toEqual({ ok: false, reason: 'no-power-control' });
    expect(await slots.command({ command: 'light', slot: 3, light: 'take' })).toEqual({ ok: false, reason: 'no-slot' });
  });

  it('without a map of ports say what to set', async () => {
    const { root } = bus();
    const { events, slots } = await watching(root, new Map());
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: expect.stringContaining('ports') as string }]);
    expect(slots.snapshot()).toBeUndefined();
  });
});
