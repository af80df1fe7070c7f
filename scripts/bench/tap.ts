import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { snapshot as snapshotShape, type Snapshot } from '../../app/contract/kiosk.ts';
import type { Transport } from '../../app/contract/transport.ts';
import { childProcessTransport } from '../../app/transport/child-process.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import { openBenchCart, type BenchCart } from './one-cart.ts';
import type { Row } from './ledger.ts';

const WARM_UP = 60;
const TAPS = 600;
const HOPS = 2_000;

const fromChild = z.object({ reportedNs: z.string(), event: z.unknown() });
const pushed = z.object({ snapshot: snapshotShape });

/**
 * A tap at the reader port within the grace period → durable authorization with its covering checkpoint → snapshot sent.
 * The card is reported in a process of its own, as the device host's readers do; both ends read one monotonic clock.
 * `floors`: one append, one signature, in milliseconds, measured in the same run.
 */
export async function benchTap(floors: { readonly appendMs: number; readonly signatureMs: number }): Promise<Row[]> {
  const child = fork(fileURLToPath(new URL('./reader-child.ts', import.meta.url)));
  const wire = childProcessTransport(child);
  let arrived: (message: z.infer<typeof fromChild>) => void = () => undefined;
  wire.onMessage((message) => arrived(fromChild.parse(message)));
  const cart = await openBenchCart();
  try {
    const hopMs = await oneHop(wire, (listener) => (arrived = listener));
    const times = await taps(cart, wire, (listener) => (arrived = listener));
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
    wire.close();
    child.kill();
  }
}

async function oneHop(wire: Transport, listen: (listener: (message: z.infer<typeof fromChild>) => void) => void): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < HOPS; turn += 1) {
    const sent = process.hrtime.bigint();
    const back = await new Promise<z.infer<typeof fromChild>>((resolve) => {
      listen(resolve);
      wire.send({ ping: turn });
    });
    const now = process.hrtime.bigint();
    if (turn >= WARM_UP) times.push(Math.min(Number(now - BigInt(back.reportedNs)), Number(now - sent)) / 1e6);
  }
  return at(times, 0.5);
}

async function taps(cart: BenchCart, wire: Transport, listen: (listener: (message: z.infer<typeof fromChild>) => void) => void): Promise<number[]> {
  const [host, hostEnd] = inMemoryPair();
  cart.station.attachHost(hostEnd);
  host.send({ event: 'slots', monoMs: 0, slots: cart.slots() });
  host.send({ event: 'reader', monoMs: 0, reader: 'bench', state: 'present' });
  const kiosk = openKiosk();
  cart.station.attachKiosk(kiosk.transport);
  const times: number[] = [];
  for (let turn = -WARM_UP; turn < TAPS; turn += 1) {
    const uid = cart.uids[((turn % cart.uids.length) + cart.uids.length) % cart.uids.length];
    const shown = kiosk.next(({ message }) => message.kind === 'take');
    let reportedNs = 0n;
    listen((message) => {
      reportedNs = BigInt(message.reportedNs);
      host.send(message.event);
    });
    wire.send({ event: 'tap', monoMs: 0, tap: String(turn), reader: 'bench', assurance: 'uid', uid });
    const { sentNs, snapshot } = await shown;
    if (turn >= 0) times.push(Number(sentNs - reportedNs) / 1e6);
    if (snapshot.message.kind !== 'take') throw new Error('unreachable: the wait was for a take');
    const cleared = kiosk.next(({ message }) => message.kind === 'idle');
    kiosk.request({ command: 'cancel', session: snapshot.message.session });
    await cleared;
  }
  return times;
}

/** A kiosk transport that notes the moment each snapshot is sent. */
function openKiosk(): { transport: Transport; request(command: unknown): void; next(wanted: (snapshot: Snapshot) => boolean): Promise<{ sentNs: bigint; snapshot: Snapshot }> } {
  let listener: (message: unknown) => void = () => undefined;
  let waiting: { wanted: (snapshot: Snapshot) => boolean; resolve: (found: { sentNs: bigint; snapshot: Snapshot }) => void } | undefined;
  let id = 0;
  return {
    transport: {
      send: (message) => {
        const sentNs = process.hrtime.bigint();
        const parsed = pushed.safeParse(message);
        if (!parsed.success || !waiting?.wanted(parsed.data.snapshot)) return;
        const { resolve } = waiting;
        waiting = undefined;
        resolve({ sentNs, snapshot: parsed.data.snapshot });
      },
      onMessage: (next) => {
        listener = next;
        return () => undefined;
      },
      onClose: () => () => undefined,
      close: () => undefined,
    },
    request: (command) => listener({ id: (id += 1), request: command }),
    next: (wanted) => new Promise((resolve) => (waiting = { wanted, resolve })),
  };
}

export const at = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
