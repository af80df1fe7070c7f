import type { StationAddress } from './arrangement.ts';
import { createBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import type { KioskRequestMessage } from './ipc.ts';
import type { Log } from './log.ts';

/** The way to the station, whichever arrangement: one at a time, made again for as long as the shell lives. */
export interface StationLink {
  /** False: no station is there to hear it. */
  send(request: KioskRequestMessage): boolean;
  stop(): Promise<void>;
}

export interface StationLinkEvents {
  readonly onMessage: (message: unknown) => void;
  /** No station is there now, whether or not one was; another may come. */
  readonly onGone: () => void;
}

/** How long a station may take to accept a connection, in ms; loopback, so this is a station that hangs. */
const OPENING_LIMIT_MS = 5_000;
const RECONNECT = { firstMs: 200, longestMs: 5_000, steadyAfterMs: 10_000 };

interface WebSocketLinkDeps extends StationLinkEvents {
  readonly address: () => StationAddress;
  readonly clock: Clock;
  readonly log: Log;
}

/** Appliance: joins the station that already runs on this machine, as a page in a browser would. */
export function joinRunningStation({ address, clock, log, onMessage, onGone }: WebSocketLinkDeps): StationLink {
  const backOff = createBackOff(RECONNECT, clock);
  let socket: WebSocket | undefined;
  let stopped = false;
  let cancelRetry = (): void => undefined;

  const retry = (): void => {
    if (!stopped) cancelRetry = clock.after(backOff.delayMs(), open);
  };

  const open = (): void => {
    const found = address();
    if (!found.ok) {
      log('error', 'station-address', { reason: found.reason, expected: 'ws://127.0.0.1:PORT/kiosk?token=… in DOCKWARD_KIOSK_URL or in the file DOCKWARD_KIOSK_URL_FILE' });
      return retry();
    }
    const opening = new WebSocket(found.url);
    let wasOpen = false;
    const cancelLimit = clock.after(OPENING_LIMIT_MS, () => opening.close());
    socket = opening;
    opening.addEventListener('open', () => {
      wasOpen = true;
      cancelLimit();
      backOff.started();
      log('info', 'station-joined');
    });
    opening.addEventListener('message', (event) => onText(event.data));
    opening.addEventListener('error', () => undefined); // `close` follows and is acted upon
    opening.addEventListener('close', (event) => {
      cancelLimit();
      socket = undefined;
      log(stopped ? 'info' : 'warn', wasOpen ? 'station-gone' : 'station-not-reached', { code: event.code });
      onGone();
      retry();
    });
  };

  const onText = (data: unknown): void => {
    let message: unknown;
    try {
      message = JSON.parse(String(data));
    } catch {
      return log('error', 'station-malformed', { at: ['not JSON'] });
    }
    onMessage(message);
  };

  open();
  return {
    send: (request) => {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(request));
      return true;
    },
    stop: async () => {
      stopped = true;
      cancelRetry();
      socket?.close();
    },
  };
}
