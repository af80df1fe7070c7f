import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { usbTestbedCommand, whyNoUsbTestbed } from '../../test/support/usb/testbed.ts';
import type { Row } from './ledger.ts';
import { at } from './tap.ts';

const GOAL_MS = 20;

/**
 * A tablet is pulled: from the kernel's udev message to the entry in the ledger, on a bus without hardware
 * but with genuine messages. Its floor is the same message in a listener that does nothing. Of the rest 8 ms are the wait that tells
 * one pulled tablet from the first of a dying hub (native/usb).
 */
export async function benchUndock(): Promise<Row[]> {
  const why = whyNoUsbTestbed();
  if (why !== undefined) {
    process.stderr.write(`undocking not measured: ${why}\n`);
    return [];
  }
  const [program, ...args] = usbTestbedCommand([process.execPath, fileURLToPath(new URL('./undock-inside.ts', import.meta.url))]);
  const { stdout } = await promisify(execFile)(program, args);
  const times = z.array(z.tuple([z.number(), z.number()])).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const [kernel, told] = [times.map(([ms]) => ms), times.map(([, ms]) => ms)];
  const over = at(times.map(([heard, recorded]) => recorded - heard), 0.95);
  return [
    { name: `tablet pulled: to custody in the ledger, p50 of ${times.length} (floor: to the kernel's event)`, value: at(told, 0.5), unit: 'ms', floor: at(kernel, 0.5), ratio: at(told, 0.5) / at(kernel, 0.5), goal: 'beside p95', met: true },
    { name: "tablet pulled: kernel's event to custody in the ledger, p95", value: over, unit: 'ms', floor: GOAL_MS, ratio: over / GOAL_MS, goal: `at most ${GOAL_MS} ms`, met: over <= GOAL_MS },
  ];
}
