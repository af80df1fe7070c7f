import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { namespaceCommand } from '../../test/support/pcsc/in-namespace.ts';
import { whyNoTestbed } from '../../test/support/pcsc/testbed.ts';
import type { Row } from './ledger.ts';
import { at } from './tap.ts';

const GOAL_MS = 1;

/**
 * The reader's own share, listed apart: a card in the field of a virtual reader of the real pcscd → tap event. The daemon's
 * polling is in it, so this is not a real reader's latency. What is ours is what a tap adds to the exchange with the card: pcsclite's own
 * time to connect and for each APDU, taken out of the time from its word of a powered card to the tap event.
 */
export async function benchReader(): Promise<Row[]> {
  const why = whyNoTestbed();
  if (why !== undefined) {
    process.stderr.write(`reader latency not measured: ${why}\n`);
    return [];
  }
  const [program = '', ...args] = namespaceCommand(1, [process.execPath, fileURLToPath(new URL('./reader-inside.ts', import.meta.url))]);
  const { stdout } = await promisify(execFile)(program, args);
  const times = z.array(z.tuple([z.number(), z.number(), z.number()])).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const [exchange, powered, field] = [0, 1, 2].map((which) => at(times.map((one) => one[which] ?? 0), 0.5));
  const over = at(times.map(([asking, tap]) => tap - asking), 0.95);
  return [
    { name: 'reader apart: card in the field to tap event, p50 (virtual reader; floor: connect and APDU)', value: field ?? 0, unit: 'ms', floor: exchange ?? 0, ratio: (field ?? 0) / (exchange ?? 1), goal: 'listed apart', met: true },
    { name: `reader: card powered to tap event (p50 ${(powered ?? 0).toFixed(2)} ms), less the exchange with the card, p95`, value: over, unit: 'ms', floor: GOAL_MS, ratio: over / GOAL_MS, goal: `at most ${GOAL_MS} ms`, met: over <= GOAL_MS },
  ];
}
