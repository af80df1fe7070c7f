import type { WebSocket } from 'ws';
import type { Assurance } from '../domain/terms.ts';
import type { Cart, SlotSeen } from './world/cart.ts';
import type { FromCart } from './hardware/messages.ts';
import { fromHost } from './hardware/messages.ts';

export interface HostLink {
  /** A device host has connected; a second one takes over from the first. */
  join(socket: WebSocket): void;
  /** Tells what changed in the slots since the last time. */
  tellChanges(): boolean;
  /** `crypto`: a card that proves itself (PIV) where the plain ones only tell their number. False: nobody heard it. */
  tap(uid: string, assurance?: Assurance): boolean;
  setReader(present: boolean): void;
  readerPresent(): boolean;
  pid(): number | undefined;
  close(): void;
}

const READ_AGAIN_MS = 5 * 60_000;
/** A card stays this long on the reader. */
const CARD_MS = 300;

/** The cable between the virtual cart and whatever device host is connected. */
export function createHostLink(deps: { cart: Cart; wallMs: () => number; readerPresent: boolean; changed: (what: 'light' | 'power' | 'host') => void }): HostLink {
  const { cart } = deps;
  let host: { socket: WebSocket; pid?: number } | undefined;
  let readerPresent = deps.readerPresent;
  let told = new Map<number, string>();
  let cardTimer: NodeJS.Timeout | undefined;

  const send = (message: FromCart): boolean => {
    if (host?.pid === undefined || host.socket.readyState !== host.socket.OPEN) return false;
    host.socket.send(JSON.stringify(message));
    return true;
  };
  /** A charge that stays the same is read again now and then, as a hub does: what was read long ago counts for less. */
  const key = (slot: SlotSeen): string => JSON.stringify([slot, slot.chargePercent === undefined ? 0 : Math.floor(deps.wallMs() / READ_AGAIN_MS)]);

  function tellAll(): void {
    const slots = cart.seen();
    told = new Map(slots.map((slot) => [slot.slot, key(slot)]));
    send({ kind: 'slots', slots });
    send({ kind: 'reader', present: readerPresent });
  }

  function removeCard(): void {
    clearTimeout(cardTimer);
    cardTimer = undefined;
    send({ kind: 'card-removed' });
  }

  return {
    join(socket) {
      host?.socket.terminate();
      const joined: { socket: WebSocket; pid?: number } = { socket };
      host = joined;
      socket.on('message', (data) => {
        const message = fromHost.safeParse(parse(String(data)));
        if (!message.success) return socket.close(1008, 'not understood');
        switch (message.data.kind) {
          case 'hello':
            joined.pid = message.data.pid;
            tellAll();
            return deps.changed('host');
          case 'light':
            cart.setLight(message.data.slot, message.data.light);
            return deps.changed('light');
          case 'port-power':
            cart.setPower(message.data.slot, message.data.on);
            return deps.changed('power');
        }
      });
      socket.on('error', () => socket.terminate());
      socket.on('close', () => {
        if (host !== joined) return;
        host = undefined;
        // Lights are held by the host: without it they go out.
        for (const slot of cart.slots.keys()) cart.setLight(slot, 'off');
        deps.changed('host');
      });
    },
    tellChanges() {
      let changed = false;
      for (const slot of cart.seen()) {
        if (told.get(slot.slot) === key(slot)) continue;
        told.set(slot.slot, key(slot));
        send({ kind: 'slot', ...slot });
        changed = true;
      }
      return changed;
    },
    tap(uid, assurance = 'uid') {
      if (!readerPresent) return false;
      // The card that is still there goes before another comes.
      if (cardTimer !== undefined) removeCard();
      const heard = uid.length === 8 && uid.startsWith('08') ? send({ kind: 'tap-unreadable', cause: 'random-uid' }) : send({ kind: 'tap', uid, assurance });
      cardTimer = setTimeout(removeCard, CARD_MS);
      return heard;
    },
    setReader(present) {
      readerPresent = present;
      send({ kind: 'reader', present });
    },
    readerPresent: () => readerPresent,
    pid: () => host?.pid,
    close() {
      clearTimeout(cardTimer);
      host?.socket.terminate();
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
