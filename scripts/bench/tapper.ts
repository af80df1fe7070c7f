import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { snapshot as snapshotShape, type Snapshot } from '../../app/contract/kiosk.ts';
import type { Transport } from '../../app/contract/transport.ts';
import { childProcessTransport } from '../../app/transport/child-process.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import type { BenchCart } from './one-cart.ts';

const fromChild = z.object({ reportedNs: z.string(), event: z.unknown() });
type FromChild = z.infer<typeof fromChild>;
const pushed = z.object({ snapshot: snapshotShape });

/** Taps at a bench cart, one person after another. The card is reported in a process of its own, as the device host's readers do; both ends read one monotonic clock. */
export interface Tapper {
  /** Milliseconds of one message to that process or back. */
  hop(): Promise<number>;
  /** Milliseconds from the reader's report to the sent snapshot that says "take"; the offer is cancelled before this resolves. */
  tap(): Promise<number>;
  close(): void;
}

export function openTapper(cart: BenchCart): Tapper {
  const child = fork(fileURLToPath(new URL('./reader-child.ts', import.meta.url)));
  const wire = childProcessTransport(child);
  let arrived: (message: FromChild) => void = () => undefined;
  wire.onMessage((message) => arrived(fromChild.parse(message)));
  const [host, hostEnd] = inMemoryPair();
  // What a cart's lights are told; unread it would be kept for a listener to come.
  host.onMessage(() => undefined);
  cart.station.attachHost(hostEnd);
  host.send({ event: 'slots', monoMs: 0, slots: cart.slots() });
  host.send({ event: 'reader', monoMs: 0, reader: 'bench', state: 'present' });
  const kiosk = openKiosk();
  cart.station.attachKiosk(kiosk.transport);
  let turn = 0;
  return {
    hop: async () => {
      const sent = process.hrtime.bigint();
      const back = await new Promise<FromChild>((resolve) => {
        arrived = resolve;
        wire.send({ ping: true });
      });
      const now = process.hrtime.bigint();
      return Math.min(Number(now - BigInt(back.reportedNs)), Number(now - sent)) / 1e6;
    },
    tap: async () => {
      const uid = cart.uids[(turn += 1) % cart.uids.length];
      const shown = kiosk.next(({ message }) => message.kind === 'take');
      let reportedNs = 0n;
      arrived = (message) => {
        reportedNs = BigInt(message.reportedNs);
        host.send(message.event);
      };
      // By its own clock a second apart, so that nobody's next tap is taken for a badge that shakes.
      wire.send({ event: 'tap', monoMs: turn * 1_000, tap: String(turn), reader: 'bench', assurance: 'uid', uid });
      const { sentNs, snapshot } = await shown;
      if (snapshot.message.kind !== 'take') throw new Error('unreachable: the wait was for a take');
      const cleared = kiosk.next(({ message }) => message.kind === 'idle');
      kiosk.request({ command: 'cancel', session: snapshot.message.session });
      await cleared;
      host.send({ event: 'card-removed', monoMs: turn * 1_000 + 1, reader: 'bench' });
      return Number(sentNs - reportedNs) / 1e6;
    },
    close: () => {
      wire.close();
      child.kill();
    },
  };
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
