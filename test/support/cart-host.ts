import type { HostCommand, HostEvent, SlotState } from '../../app/contract/device-host.ts';
import type { Transport } from '../../app/contract/transport.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';

type Unstamped<E> = E extends unknown ? Omit<E, 'monoMs'> : never;

/**
 * The cart's hardware and the process that watches it. Tablets come and go whether or not that process lives; what it
 * sees it tells over its transport, as the real one does.
 */
export interface CartHost {
  /** What physically stands in the slots. */
  readonly slots: Map<number, SlotState>;
  /** Lights as last commanded since this host started. */
  readonly lights: Map<number, string>;
  /** Commands since the cart was made, lights left out. */
  readonly asked: HostCommand[];
  /** How commands but lights are answered; `silent` is a host that hangs. */
  answer: { readonly ok: true } | { readonly ok: false; readonly reason: string } | 'silent';
  put(slot: number, serial: string | undefined, percent?: number): void;
  take(slot: number): void;
  tell(event: Unstamped<HostEvent>): void;
  /** When it told something last, by its own clock. */
  monoMs(): number;
  /** Anything at all, also what no contract allows. */
  tellRaw(message: unknown): void;
  tap(uid: string, assurance?: 'uid' | 'crypto'): void;
  beat(): void;
  /** A new host process: greets, shows the whole cart, then its readers. */
  start(attach: (transport: Transport) => void): void;
  die(): void;
  /** From now on its slots cannot be seen, also by hosts that start; `detail` is what it says of them. */
  hide(detail: string): void;
  show(): void;
}

export function cartHost(slotCount: number): CartHost {
  const slots = new Map<number, SlotState>(Array.from({ length: slotCount }, (_, n) => [n + 1, { slot: n + 1, present: false }]));
  const lights = new Map<number, string>();
  const asked: HostCommand[] = [];
  let wire: Transport | undefined;
  let monoMs = 0;
  let taps = 0;
  let attachments = 0;
  let hidden: string | undefined;
  const tell: CartHost['tell'] = (event) => wire?.send({ ...event, monoMs: (monoMs += 1_000) });
  const change = (state: SlotState): void => {
    slots.set(state.slot, state);
    tell({ event: 'slot', ...state });
  };
  /** A word more about what is there already is no new attachment. */
  const attachmentOf = (slot: number, serial: string | undefined): string => {
    const there = slots.get(slot);
    return there?.present && there.serial === serial && there.attachment !== undefined ? there.attachment : String((attachments += 1));
  };
  const cart: CartHost = {
    slots,
    lights,
    asked,
    answer: { ok: true },
    tell,
    monoMs: () => monoMs,
    tellRaw: (message) => wire?.send(message),
    put: (slot, serial, percent) => change({ slot, present: true, attachment: attachmentOf(slot, serial), ...(serial === undefined ? {} : { serial, battery: { percent: percent ?? 100 - slot, monoMs } }) }),
    take: (slot) => change({ slot, present: false }),
    tap: (uid, assurance = 'crypto') => {
      tell({ event: 'tap', tap: `tap-${(taps += 1)}`, reader: 'front reader', assurance, uid });
      tell({ event: 'card-removed', reader: 'front reader' });
    },
    beat: () => {
      tell({ event: 'heartbeat' });
      for (const state of slots.values()) if (state.battery) tell({ event: 'slot', ...state });
    },
    start: (attach) => {
      const [station, own] = inMemoryPair();
      lights.clear();
      wire = own;
      own.onMessage((message) => {
        const { id, request } = message as { id: number; request: HostCommand };
        if (request.command === 'light') {
          lights.set(request.slot, request.light);
          return own.send({ id, ok: true });
        }
        asked.push(request);
        if (cart.answer !== 'silent') own.send({ id, ...cart.answer });
      });
      attach(station);
      tell({ event: 'hello', version: 'test', pid: 1, adapters: [hidden === undefined ? { name: 'usb', state: 'working' } : { name: 'usb', state: 'failing', detail: hidden }] });
      if (hidden === undefined) tell({ event: 'slots', slots: [...slots.values()] });
      tell({ event: 'reader', reader: 'front reader', state: 'present' });
    },
    die: () => {
      wire?.close();
      wire = undefined;
    },
    hide: (detail) => {
      hidden = detail;
      tell({ event: 'adapter', name: 'usb', state: 'failing', detail });
    },
    show: () => {
      hidden = undefined;
      tell({ event: 'adapter', name: 'usb', state: 'working' });
      tell({ event: 'slots', slots: [...slots.values()] });
    },
  };
  return cart;
}
