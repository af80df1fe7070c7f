import type { Row } from './ledger.ts';
import { openBenchCart } from './one-cart.ts';
import { openTapper } from './tapper.ts';

const WARM_UP = 60;
const TAPS = 600;
const HOPS = 2_000;

/**
 * A tap at the reader port within the grace period → durable authorization with its covering checkpoint → snapshot sent.
 * `floors`: one append, one signature, in milliseconds, measured in the same run.
 */
export async function benchTap(floors: { readonly appendMs: number; readonly signatureMs: number }): Promise<Row[]> {
  const cart = await openBenchCart();
  const tapper = openTapper(cart);
  try {
    const hopMs = at(await warm(HOPS, tapper.hop), 0.5);
    const times = await warm(TAPS, tapper.tap);
    const floor = floors.appendMs + floors.signatureMs + hopMs;
    const p50 = at(times, 0.5);
    const p99 = at(times, 0.99);
    return [
      { name: 'one hop between device host and station', value: hopMs, unit: 'ms', floor: hopMs, ratio: 1, goal: 'floor of the next row', met: true },
      { name: 'tap (grace) to durable authorization, checkpoint and snapshot, p50', value: p50, unit: 'ms', floor, ratio: p50 / floor, goal: 'at most 3 ×', met: p50 <= 3 * floor },
      { name: 'tap (grace) to durable authorization, checkpoint and snapshot, p99', value: p99, unit: 'ms', floor, ratio: p99 / floor, goal: 'at most 10 ms', met: p99 <= 10 },
    ];
  } finally {
    await cart.close();
    tapper.close();
  }
}

/** So many measurements after a warm-up. */
async function warm(count: number, measure: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let turn = -WARM_UP; turn < count; turn += 1) {
    const time = await measure();
    if (turn >= 0) times.push(time);
  }
  return times;
}

/** The value below which this share of them lies. */
export const at = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
