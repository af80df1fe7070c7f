import { hostEvent, type HostEvent } from '../../../app/contract/device-host.ts';

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
  /** When the station had heard its last word, by the station's monotonic clock, in milliseconds. */
  heardMs: number;
}

/** Hears what reaches the station, in the order in which the station hears it. */
export interface Listener {
  event?(event: HostEvent, life: HostLife): void;
  closed?(life: HostLife): void;
}

export interface Delivered {
  /** The host that is connected now. */
  life(): HostLife | undefined;
  listen(listener: Listener): void;
  /** What the station's process tells of its hosts, in the station's order; times are of its monotonic clock, in milliseconds. */
  connected(): void;
  heard(message: unknown, monoMs: number): void;
  closed(heardMs: number): void;
  /** The station's time at the word that is being listened to. */
  nowMs(): number;
  /** How much has been told, by event. */
  readonly counts: Readonly<Record<string, number>>;
}

/** `wrong` is told what no host may do. */
export function listenToHosts(wrong: (what: string) => void): Delivered {
  const listeners: Listener[] = [];
  const counts: Record<string, number> = {};
  let lives = 0;
  let life: HostLife | undefined;
  let nowMs = 0;

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
    nowMs: () => nowMs,
    connected() {
      lives += 1;
      life = { number: lives, whole: false, readers: new Set(), tablets: new Map(), run: undefined, taps: 0, heardMs: 0 };
    },
    heard(message, monoMs) {
      nowMs = monoMs;
      if (life === undefined) return wrong('a word of a host that is not connected');
      life.heardMs = monoMs;
      const parsed = hostEvent.safeParse(message);
      if (parsed.success) heard(parsed.data, life);
    },
    closed(heardMs) {
      const gone = life;
      if (gone === undefined) return wrong('the end of a host that was not connected');
      gone.heardMs = heardMs;
      life = undefined;
      for (const listener of listeners) listener.closed?.(gone);
    },
  };
}
