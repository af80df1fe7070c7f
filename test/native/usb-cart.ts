import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SlotEvent } from '../../native/adapters.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { usbTree, type UsbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';
import { leavingOutAttachments } from './leaving-out-attachments.ts';

/** The slot adapter on a USB tree in a temporary folder, with a clock that stands still and news that the test gives by hand. */
export async function usbCart(ports: ReadonlyMap<number, string>, prepare: (tree: UsbTree) => void = () => {}) {
  const root = mkdtempSync(join(tmpdir(), 'dockward-usb-'));
  const tree = usbTree(root);
  prepare(tree);
  const clock = heldClock();
  const events: SlotEvent[] = [];
  const listeners: (() => void)[] = [];
  const watch = (changed: () => void) => {
    listeners.push(changed);
    return Promise.resolve({ stop: () => Promise.resolve() });
  };
  const slots = usbSlots({ clock, ports, root: tree.devices, events: () => ({ found: true, watch }) }).start((event) => events.push(leavingOutAttachments(event)));
  await waitFor('the whole cart', () => events.some(({ event }) => event === 'slots'));
  events.length = 0;
  return {
    tree,
    clock,
    events,
    slots,
    /** The kernel's news of a change, acted on without delay. */
    news() {
      for (const changed of listeners) changed();
      clock.advance(5);
    },
    /** What was told since it was last asked, serials apart. */
    told: () => events.splice(0).filter((event) => event.event === 'hub' || (event.event === 'slot' && event.serial === undefined)),
    async end() {
      await slots.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
