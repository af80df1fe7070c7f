import type { AdapterState, TabletAdapter, TabletEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { readTablet } from './apple-reading.ts';
import { tabletVisits, type Visits } from './apple-visits.ts';
import { defaultUsbmuxAddress, openUsbmux, type Usbmux, type UsbmuxAddress, type UsbmuxRefusal } from './usbmux-client.ts';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const ANSWER_DEADLINE_MS = 5_000;

const IN_WORDS: Readonly<Record<UsbmuxRefusal, readonly [AdapterState, string]>> = {
  // The usual program ends when the last Apple tablet leaves and udev starts it with the next.
  absent: ['absent', 'usbmuxd is not running: it starts with the first Apple tablet. If one is docked, install usbmuxd, or start it (systemctl start usbmuxd)'],
  denied: ['failing', 'usbmuxd may not be asked by this user: let it read and write the socket /var/run/usbmuxd'],
  closed: ['failing', 'usbmuxd stopped or does not answer: it is asked again as soon as it does; if it stays so, restart it (systemctl restart usbmuxd)'],
  malformed: ['failing', 'what answers in the place of usbmuxd is something else, or broken: look at who listens there and restart usbmuxd'],
};

export interface AppleTabletsDeps {
  readonly clock: HostClock;
  /** The system's usual place unless told otherwise. */
  readonly address?: UsbmuxAddress;
}

/** What Apple tablets on the cart's cables tell of themselves, through usbmuxd and lockdownd. It never pairs and changes nothing. */
export function appleTablets({ clock, address = defaultUsbmuxAddress() }: AppleTabletsDeps): TabletAdapter {
  return { name: 'lockdown', start: (sink) => startApple({ clock, address }, sink) };
}

function startApple({ clock, address }: Required<AppleTabletsDeps>, sink: (event: TabletEvent) => void): { stop(): Promise<void> } {
  const ending = new AbortController();
  let retryMs = FIRST_RETRY_MS;
  let cancelRetry = () => {};
  let told = '';

  function tell(event: TabletEvent): void {
    if (!ending.signal.aborted) sink(event);
  }

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told) return;
    told = telling;
    tell({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  async function listenOnce(): Promise<UsbmuxRefusal> {
    const connection = new AbortController();
    const signal = AbortSignal.any([ending.signal, connection.signal]);
    const cancelDeadline = clock.after(ANSWER_DEADLINE_MS, () => connection.abort());
    try {
      const opened = await openUsbmux(address, signal);
      if (!opened.ok) return opened.reason;
      const listening = await opened.value.listen();
      cancelDeadline();
      if (!listening.ok) return listening.reason;
      return await follow(opened.value, signal);
    } finally {
      cancelDeadline();
      connection.abort();
    }
  }

  /** Until usbmuxd goes; what it had told of is then out of sight, and told as gone. */
  async function follow(usbmux: Usbmux, signal: AbortSignal): Promise<UsbmuxRefusal> {
    const visits = tabletVisits(clock, (tablet, extent, given) => readTablet(address, tablet, extent, AbortSignal.any([signal, given])), tell);
    const since = clock.monoMs();
    tellState('working');
    try {
      for (;;) {
        const news = await usbmux.news();
        if (!news.ok) return news.reason;
        take(visits, news.value);
      }
    } finally {
      visits.allLeft();
      if (clock.monoMs() - since >= LONGEST_RETRY_MS) retryMs = FIRST_RETRY_MS;
    }
  }

  function take(visits: Visits, news: Extract<Awaited<ReturnType<Usbmux['news']>>, { ok: true }>['value']): void {
    switch (news.kind) {
      case 'attached':
        if (!visits.arrived(news.tablet)) tellState('working', 'usbmuxd tells of more tablets than a cart holds: what is too many is not read');
        break;
      case 'detached':
        visits.left(news.deviceId);
        break;
      case 'paired':
        visits.changed(news.deviceId);
        break;
      case 'unusable':
        tellState('working', 'usbmuxd told something of a tablet that cannot be; it was ignored. If it stays so, restart it (systemctl restart usbmuxd)');
        break;
      case 'other':
        break;
    }
  }

  async function listen(): Promise<void> {
    const [state, detail] = IN_WORDS[await listenOnce()];
    if (ending.signal.aborted) return;
    tellState(state, detail);
    cancelRetry = clock.after(retryMs, () => {
      running = listen();
    });
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }

  let running = listen();

  return {
    async stop() {
      ending.abort();
      cancelRetry();
      await running;
    },
  };
}
