import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { HubEvent } from '../../native/adapters.ts';
import { sysfsPower } from '../../native/hub/sysfs-power.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { powerSwitch, usbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';

const NOBODY = 65_534;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('a host without the right to switch ports says which udev rule gives it, switches nothing, and works once it is given', async () => {
  const root = mkdtempSync(join(tmpdir(), 'dockward-power-'));
  chmodSync(root, 0o755);
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }));
  const tree = usbTree(root);
  const { file, read } = powerSwitch(tree, '1-1.2');
  chmodSync(file, 0o444);
  // Root may write everywhere, so it must not be root that tries.
  if (process.geteuid?.() === 0) {
    process.seteuid?.(NOBODY);
    cleanUps.push(() => process.seteuid?.(0));
  }
  const events: HubEvent[] = [];
  const clock = heldClock();
  const hub = sysfsPower({ clock, ports: new Map([[1, '1-1.2']]), root: tree.devices }).start((event) => events.push(event));
  cleanUps.push(() => hub.stop());
  const standing = () => events.findLast((event) => event.event === 'adapter');
  await waitFor('the first look', standing);
  expect(standing()).toMatchObject({ state: 'failing', detail: expect.stringMatching(/slot 1: add the udev rule SUBSYSTEM=="usb", DRIVER=="hub", .*plug the hub in again$/) as string });
  expect(standing()?.detail?.length).toBeLessThanOrEqual(300);
  expect(await hub.command({ command: 'port-power', slot: 1, on: false })).toEqual({ ok: false, reason: 'adapter-failing' });
  expect(read()).toBe('0');
  if (process.getuid?.() === 0) process.seteuid?.(0);
  chmodSync(file, 0o666);
  if (process.getuid?.() === 0) process.seteuid?.(NOBODY);
  clock.advance(5_000);
  await waitFor('the right', () => standing()?.state === 'working');
  expect(await hub.command({ command: 'port-power', slot: 1, on: false })).toEqual({ ok: true });
  expect(read()).toBe('1');
});
