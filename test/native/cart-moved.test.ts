import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SlotEvent } from '../../native/adapters.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { usbTree, type UsbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';
import { leavingOutAttachments } from './leaving-out-attachments.ts';

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Two hubs of two slots each. */
const PORTS = new Map([[1, '1-1.1'], [2, '1-1.2'], [3, '1-2.1'], [4, '1-2.2']]);

/** The cart after it was rolled elsewhere, as the first look after its start finds it. */
function start(prepare: (tree: UsbTree) => void) {
  const root = mkdtempSync(join(tmpdir(), 'dockward-usb-'));
  const tree = usbTree(root);
  prepare(tree);
  const clock = heldClock();
  const events: SlotEvent[] = [];
  const slots = usbSlots({ clock, ports: PORTS, root: tree.devices, events: () => ({ found: false, detail: 'not in this test' }) }).start((event) => events.push(leavingOutAttachments(event)));
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }), () => slots.stop());
  const whole = () => events.find((event) => event.event === 'slots');
  const settled = async (ms: number) => {
    clock.advance(ms);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { tree, events, slots, whole, settled };
}

describe('a cart that was moved while its station was off', () => {
  it('with its cable in another port: no tablet is called missing, and it says where the hub is now', async () => {
    const { tree, events, slots, whole, settled } = start((moved) => {
      moved.plug('1-5', { hub: true });
      moved.plug('1-5.1', { serial: 'R52T90ABCD' });
    });
    await settled(60_000);
    expect(whole()).toBeUndefined();
    expect(slots.snapshot()).toBeUndefined();
    expect(events).toEqual([
      { event: 'adapter', state: 'failing', detail: 'no hub is connected at 1-1 (slots 1, 2) and 1-2 (slots 3, 4): look at its cable and its power, and one that no slot is mapped to at 1-5: if the cable was moved, put it back or learn the map anew (doctor --learn)' },
    ]);
    tree.unplug('1-5');
    tree.plug('1-1.1', { serial: 'R52T90ABCD' });
    tree.plug('1-2', { hub: true });
    await settled(250);
    expect(await waitFor('the whole cart', whole)).toEqual({ event: 'slots', slots: [{ slot: 1, present: true, serial: 'R52T90ABCD' }, { slot: 2, present: false }, { slot: 3, present: false }, { slot: 4, present: false }] });
  });

  it('whose hubs come up one after the other: it is told once all of them are there', async () => {
    const { tree, events, whole, settled } = start((booting) => {
      booting.plug('1-1.1', { serial: 'R52T90ABCD' });
    });
    await settled(4_000);
    expect(whole()).toBeUndefined();
    tree.plug('1-2.2', { serial: 'R52T90EFGH' });
    await settled(250);
    expect(await waitFor('the whole cart', whole)).toMatchObject({ slots: [{ serial: 'R52T90ABCD' }, { present: false }, { present: false }, { serial: 'R52T90EFGH' }] });
    expect(events.filter(({ event }) => event === 'slot')).toEqual([]);
  });

  it('whose second hub stays dark: after 10 s the first one serves, and the other is named until it is back', async () => {
    const { tree, events, whole, settled } = start((booting) => {
      booting.plug('1-1.1', { serial: 'R52T90ABCD' });
    });
    await settled(9_750);
    expect(whole()).toBeUndefined();
    await settled(250);
    expect(await waitFor('the whole cart', whole)).toMatchObject({ slots: [{ serial: 'R52T90ABCD' }, { present: false }, { present: false }, { present: false }] });
    expect(events.filter(({ event }) => event === 'adapter').at(-1)).toMatchObject({ state: 'working', detail: expect.stringContaining('no hub is connected at 1-2 (slots 3, 4)') as string });
    tree.plug('1-2.1', { serial: 'R52T90EFGH' });
    await settled(250);
    await waitFor('the tablet on the second hub', () => events.some((event) => event.event === 'slot' && event.serial === 'R52T90EFGH'));
    expect(events.filter(({ event }) => event === 'adapter').at(-1)).toEqual({ event: 'adapter', state: 'working' });
  });
});
