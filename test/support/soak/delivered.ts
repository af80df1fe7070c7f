import { hostEvent, type HostEvent } from '../../../app/contract/device-host.ts';
import type { Transport } from '../../../app/contract/transport.ts';
import type { News } from './news.ts';

/** One life of the device host, by what it told. */
export interface HostLife {
  readonly number: number;
  /** It has told the whole cart. */
  whole: boolean;
  readonly readers: Set<string>;
  readonly tablets: Map<string, { readonly standing: string; readonly batteryPercent: number | undefined }>;
  /** Prefix and number of its last tap. */
  run: string | undefined;
  taps: number;
  /** When the station had heard its last word, by the station's monotonic clock. */
  heardMs: number;
}

/** Hears what reaches the station, in the order in which the station hears it, and just before it. */
export interface Listener {
  event?(event: HostEvent, life: HostLife): void;
  closed?(life: HostLife): void;
}

export interface Delivered {
  /** The host that is connected now. */
  life(): HostLife | undefined;
  listen(listener: Listener): void;
  /** Passes a host on to the station with this ear in between. */
  through(attach: (transport: Transport) => void): (transport: Transport) => void;
  /** How much has been told, by event. */
  readonly counts: Readonly<Record<string, number>>;
}

/** `nowMs` is the station's monotonic clock; `wrong` is told what no host may do. */
export function listenToHosts(news: News, nowMs: () => number, wrong: (what: string) => void): Delivered {
  const listeners: Listener[] = [];
  const counts: Record<string, number> = {};
  let lives = 0;
  let life: HostLife | undefined;

  function heard(event: HostEvent, of: HostLife): void {
    counts[event.event] = (counts[event.event] ?? 0) + 1;
    switch (event.event) {
      case 'slots':
        of.whole = true;
        break;
      case 'reader':
        if (event.state === 'present') of.readers.add(event.reader);
        else of.readers.delete(event.reader);
        break;
      case 'tablet':
        of.tablets.set(event.serial, { standing: event.standing, batteryPercent: event.facts.batteryPercent });
        break;
      case 'tap':
        numbered(event.tap, of);
        break;
    }
    for (const listener of listeners) listener.event?.(event, of);
  }

  /** A host numbers its taps without gaps: one that is missing was lost on the way, one that comes again was told twice. */
  function numbered(tap: string, of: HostLife): void {
    const [run = '', number] = tap.split('-');
    of.run ??= run;
    of.taps += 1;
    if (of.run !== run || Number(number) !== of.taps) wrong(`tap ${tap} came as number ${of.taps} of the host's run ${of.run}`);
  }

  return {
    life: () => life,
    counts,
    listen: (listener) => void listeners.push(listener),
    through: (attach) => (transport) => {
      lives += 1;
      const own: HostLife = { number: lives, whole: false, readers: new Set(), tablets: new Map(), run: undefined, taps: 0, heardMs: 0 };
      life = own;
      transport.onClose(() => {
        if (life === own) life = undefined;
        for (const listener of listeners) listener.closed?.(own);
        news.happened();
      });
      attach({
        ...transport,
        onMessage: (listener) =>
          transport.onMessage((message) => {
            const parsed = hostEvent.safeParse(message);
            if (parsed.success) heard(parsed.data, own);
            listener(message);
            own.heardMs = nowMs();
            news.happened();
          }),
      });
    },
  };
}
