import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SlotState } from '../../app/contract/device-host.ts';
import type { SlotEvent } from '../../native/adapters.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { usbTree, type UsbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';

let root: string;
let bus: UsbTree;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dockward-usb-'));
  bus = usbTree(root);
  bus.plug('1-1.1', { serial: 'STAYS' });
  bus.plug('1-1.2', { serial: 'GOES' });
});
afterEach(() => rmSync(root, { recursive: true }));

/** What a device host that has just started says of both slots. */
async function seenByNewHost(): Promise<readonly SlotState[]> {
  const events: SlotEvent[] = [];
  const running = usbSlots({ clock: heldClock(), ports: new Map([[1, '1-1.1'], [2, '1-1.2']]), root: bus.devices, events: () => ({ found: false, detail: 'not in this test' }) }).start((event) => events.push(event));
  const whole = await waitFor('the whole cart', () => events.find(({ event }) => event === 'slots'));
  await running.stop();
  return whole.event === 'slots' ? whole.slots : [];
}

it('the device host is dead while a tablet is pulled and put back where it was: the next host names another stay, and the same one for the tablet that stayed', async () => {
  const before = await seenByNewHost();
  expect(await seenByNewHost()).toEqual(before);
  bus.unplug('1-1.2');
  bus.plug('1-1.2', { serial: 'GOES' });
  const after = await seenByNewHost();
  expect(after[0]).toEqual(before[0]);
  expect(after[1]).toMatchObject({ serial: 'GOES', attachment: expect.stringMatching(/^\d+$/) as string });
  expect(after[1]?.attachment).not.toBe(before[1]?.attachment);
});

it('an empty slot has none', async () => {
  bus.unplug('1-1.2');
  expect((await seenByNewHost())[1]).toEqual({ slot: 2, present: false });
});
