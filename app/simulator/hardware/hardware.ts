import WebSocket from 'ws';
import type { SlotState } from '../../contract/device-host.ts';
import type { ReaderAdapter, ReaderEvent, SlotAdapter, SlotEvent } from '../../../native/adapters.ts';
import type { FromCart, FromHost } from './messages.ts';
import { fromCart } from './messages.ts';

const READER = 'Simulated badge reader';
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 1_000;
const AWAY = 'the virtual cart does not answer: is the simulator running?';

/**
 * Reader and slots of the virtual cart, for the device host. Connects to the simulator at `url` (its http address) and
 * stays connected; while it is away the slots are unknown, never empty.
 */
export function simulatedHardware({ url, log }: { url: string; log: (line: string) => void }): { readers: ReaderAdapter; slots: SlotAdapter } {
  let readerSink: ((event: ReaderEvent) => void) | undefined;
  let slotSink: ((event: SlotEvent) => void) | undefined;
  let seen: Map<number, SlotState> | undefined;
  let readerPresent = false;

  const link = createLink(new URL('/hardware', url.replace(/^http/, 'ws')), log, {
    opened() {
      readerSink?.({ event: 'adapter', state: 'working' });
      slotSink?.({ event: 'adapter', state: 'working' });
    },
    lost() {
      seen = undefined;
      if (readerPresent) readerSink?.({ event: 'reader', reader: READER, state: 'gone' });
      readerPresent = false;
      readerSink?.({ event: 'adapter', state: 'failing', detail: AWAY });
      slotSink?.({ event: 'adapter', state: 'failing', detail: AWAY });
    },
    received(message) {
      switch (message.kind) {
        case 'slots': {
          const states = message.slots.map(stateOf);
          seen = new Map(states.map((state) => [state.slot, state]));
          slotSink?.({ event: 'slots', slots: states });
          return;
        }
        case 'slot': {
          const { kind: _, ...slot } = message;
          const state = stateOf(slot);
          seen?.set(state.slot, state);
          slotSink?.({ event: 'slot', ...state });
          return;
        }
        case 'reader':
          if (message.present !== readerPresent) readerSink?.({ event: 'reader', reader: READER, state: message.present ? 'present' : 'gone' });
          readerPresent = message.present;
          return;
        case 'tap':
          readerSink?.({ event: 'tap', reader: READER, assurance: message.assurance, uid: message.uid });
          return;
        case 'tap-unreadable':
          readerSink?.({ event: 'tap-unreadable', reader: READER, cause: message.cause });
          return;
        case 'card-removed':
          readerSink?.({ event: 'card-removed', reader: READER });
      }
    },
  });

  return {
    readers: {
      name: 'simulated-reader',
      start(sink) {
        readerSink = sink;
        link.start();
        return {
          async stop() {
            readerSink = undefined;
            if (!slotSink) await link.stop();
          },
        };
      },
    },
    slots: {
      name: 'simulated-slots',
      start(sink) {
        slotSink = sink;
        link.start();
        return {
          async stop() {
            slotSink = undefined;
            if (!readerSink) await link.stop();
          },
          async command(command) {
            if (!seen) return { ok: false, reason: 'adapter-failing' };
            if (!seen.has(command.slot)) return { ok: false, reason: 'no-slot' };
            const message: FromHost = command.command === 'light' ? { kind: 'light', slot: command.slot, light: command.light } : { kind: 'port-power', slot: command.slot, on: command.on };
            return link.send(message) ? { ok: true } : { ok: false, reason: 'adapter-failing' };
          },
          snapshot: () => (seen ? [...seen.values()] : undefined),
        };
      },
    },
  };
}

/** The host's own clock: the same process, the same source. */
function stateOf(slot: { slot: number; present: boolean; serial?: string | undefined; attachment?: string | undefined; chargePercent?: number | undefined }): SlotState {
  return {
    slot: slot.slot,
    present: slot.present,
    ...(slot.serial === undefined ? {} : { serial: slot.serial }),
    ...(slot.attachment === undefined ? {} : { attachment: slot.attachment }),
    ...(slot.chargePercent === undefined ? {} : { battery: { percent: slot.chargePercent, monoMs: Math.floor(performance.now()) } }),
  };
}

interface LinkEvents {
  opened(): void;
  lost(): void;
  received(message: FromCart): void;
}

function createLink(url: URL, log: (line: string) => void, events: LinkEvents): { start(): void; stop(): Promise<void>; send(message: FromHost): boolean } {
  let socket: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let retryMs = FIRST_RETRY_MS;

  function connect(): void {
    const opening = new WebSocket(url);
    socket = opening;
    let open = false;
    opening.on('open', () => {
      open = true;
      retryMs = FIRST_RETRY_MS;
      const hello: FromHost = { kind: 'hello', pid: process.pid };
      opening.send(JSON.stringify(hello));
      events.opened();
    });
    opening.on('message', (data) => {
      const message = fromCart.safeParse(JSON.parse(String(data)));
      if (message.success) events.received(message.data);
      else log(`virtual cart: a message was not understood: ${String(data).slice(0, 200)}`);
    });
    opening.on('error', (error) => {
      if (open) log(`virtual cart: ${error.message}`);
    });
    opening.on('close', () => {
      if (stopped) return;
      if (open) log(`virtual cart: the connection to ${url.host} was lost; trying again`);
      if (open || retryMs === FIRST_RETRY_MS) events.lost();
      timer = setTimeout(connect, retryMs);
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
    });
  }

  return {
    start() {
      if (!stopped) {
        return;
      }
      stopped = false;
      connect();
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      const closing = socket;
      if (!closing || closing.readyState === WebSocket.CLOSED) return;
      await new Promise<void>((resolve) => {
        closing.once('close', () => resolve());
        closing.terminate();
      });
    },
    send(message) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
  };
}
