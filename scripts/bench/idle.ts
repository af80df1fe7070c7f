import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { namespaceCommand } from '../../test/support/pcsc/in-namespace.ts';
import { whyNoTestbed } from '../../test/support/pcsc/testbed.ts';
import { usbTestbedCommand, whyNoUsbTestbed } from '../../test/support/usb/testbed.ts';
import type { Row } from './ledger.ts';

const GOAL_PERCENT = 1;

/**
 * Processor time of a station and its device host that nobody touches: real processes, enrolled and in contact with a server, real
 * pcscd with two readers, a tablet in each of sixteen slots on a bus with the kernel's table and genuine messages. Its floor is the goal itself: two Node processes that only live take nothing.
 */
export async function benchIdle(): Promise<Row[]> {
  const why = whyNoTestbed() ?? whyNoUsbTestbed();
  if (why !== undefined) {
    process.stderr.write(`idle processor time not measured: ${why}\n`);
    return [];
  }
  const [program = '', ...args] = namespaceCommand(2, usbTestbedCommand(['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, fileURLToPath(new URL('./idle-inside.ts', import.meta.url))]));
  const { stdout } = await promisify(execFile)(program, args);
  const { station, host, bare } = z.object({ station: z.number(), host: z.number(), bare: z.number() }).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const together = station + host;
  return [{ name: `idle station (${station.toFixed(2)} %) and device host (${host.toFixed(2)} %), two bare Node ${bare.toFixed(2)} %`, value: together, unit: '%', floor: GOAL_PERCENT, ratio: together / GOAL_PERCENT, goal: `at most ${GOAL_PERCENT} %`, met: together <= GOAL_PERCENT }];
}
