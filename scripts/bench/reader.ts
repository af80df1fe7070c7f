import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { namespaceCommand } from '../../test/support/pcsc/in-namespace.ts';
import { whyNoTestbed } from '../../test/support/pcsc/testbed.ts';
import type { Row } from './ledger.ts';
import { at } from './tap.ts';

/**
 * The reader's own share, listed apart: a card in the field of a virtual reader of the real pcscd → tap event. The daemon's
 * polling is in it, so this is not a real reader's latency; what is ours is the difference to the floor, the first APDU.
 */
export async function benchReader(): Promise<Row[]> {
  const why = whyNoTestbed();
  if (why !== undefined) {
    process.stderr.write(`reader latency not measured: ${why}\n`);
    return [];
  }
  const [program = '', ...args] = namespaceCommand(1, [process.execPath, fileURLToPath(new URL('./reader-inside.ts', import.meta.url))]);
  const { stdout } = await promisify(execFile)(program, args);
  const times = z.array(z.tuple([z.number(), z.number()])).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const asked = at(times.map(([ms]) => ms), 0.5);
  const tapped = at(times.map(([, ms]) => ms), 0.5);
  return [{ name: 'reader apart: card in the field to tap event, p50 (virtual reader)', value: tapped, unit: 'ms', floor: asked, ratio: tapped / asked, goal: 'listed apart', met: true }];
}
