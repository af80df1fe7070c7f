import { kioskPush } from '../contract/kiosk.ts';
import type { KioskCommand, KioskRefusal, Snapshot } from '../contract/kiosk.ts';

export interface LinkEvents {
  readonly onOpen: () => void;
  readonly onMessage: (message: unknown) => void;
  readonly onClose: () => void;
}
/** One way to the station. `open` may fail by calling `onClose`; after `close` no event comes. */
export interface Link {
  send(message: unknown): void;
  close(): void;
}
export type OpenLink = (events: LinkEvents) => Link;

/** What Electron's preload puts on `window.dockward`. */
export interface Bridge {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): () => void;
}

export const overBridge =
  (bridge: Bridge): OpenLink =>
  ({ onOpen, onMessage }) => {
    const close = bridge.onMessage(onMessage);
    onOpen();
    return { send: (message) => bridge.send(message), close };
  };

/** `url` carries the per-run token. Messages are JSON texts. */
export const overSocket =
  (url: string): OpenLink =>
  ({ onOpen, onMessage, onClose }) => {
    const socket = new WebSocket(url);
    socket.onopen = onOpen;
    socket.onclose = onClose;
    socket.onmessage = ({ data }) => onMessage(fromJson(data));
    return {
      send: (message) => socket.send(JSON.stringify(message)),
      close: () => {
        socket.onclose = null;
        socket.onmessage = null;
        socket.close();
      },
    };
  };

/** `undefined` for what is not JSON: no schema accepts it. */
const fromJson = (data: unknown): unknown => {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
};

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: KioskRefusal | 'lost' };
export interface Station {
  /** Resolves with the station's answer; `lost` when the connection ended first, and then nothing is known of the effect. */
  request(command: KioskCommand): Promise<Outcome>;
  close(): void;
}
interface Listener {
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onLost: () => void;
  /** A push that the contract does not know: the page and the station are not of one version. */
  readonly onNonsense: (problem: string) => void;
}
export interface Timers {
  readonly after: (ms: number, run: () => void) => () => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/**
 * Keeps one link to the station, opening it again with doubling pauses (250 ms … 5 s) for ever.
 * A push that does not parse ends the link: a screen that may be wrong is worse than none.
 */
export function connectStation(open: OpenLink, listener: Listener, timers: Timers): Station {
  let link: Link | undefined;
  let isOpen = false;
  let pause = FIRST_RETRY_MS;
  let nextId = 1;
  let cancelRetry = (): void => undefined;
  const waiting = new Map<number, (outcome: Outcome) => void>();

  const ended = (): void => {
    link = undefined;
    isOpen = false;
    for (const settle of waiting.values()) settle({ ok: false, reason: 'lost' });
    waiting.clear();
    listener.onLost();
    cancelRetry = timers.after(pause, dial);
    pause = Math.min(LAST_RETRY_MS, pause * 2);
  };
  const received = (message: unknown): void => {
    const push = kioskPush.safeParse(message);
    if (!push.success) {
      listener.onNonsense(push.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
      link?.close();
      ended();
    } else if ('snapshot' in push.data) {
      pause = FIRST_RETRY_MS;
      listener.onSnapshot(push.data.snapshot);
    } else {
      waiting.get(push.data.id)?.(push.data);
      waiting.delete(push.data.id);
    }
  };
  const dial = (): void => {
    link = open({ onOpen: () => (isOpen = true), onMessage: received, onClose: ended });
  };
  dial();

  return {
    request(command) {
      const id = nextId++;
      if (link === undefined || !isOpen) return Promise.resolve({ ok: false, reason: 'lost' });
      const answer = new Promise<Outcome>((resolve) => waiting.set(id, resolve));
      link.send({ id, request: command });
      return answer;
    },
    close() {
      cancelRetry();
      link?.close();
      link = undefined;
    },
  };
}
