import { usbSerial } from '../../app/contract/device-host.ts';
import type { TabletEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import type { Extent, TabletReading } from './apple-reading.ts';
import type { AttachedTablet } from './usbmux-client.ts';

const AT_ONCE = 2;
const TABLET_DEADLINE_MS = 5_000;
const WHOLE_EVERY_MS = 300_000;
const BATTERY_EVERY_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** A cart has at most this many slots. */
const MOST_TABLETS = 99;

export type ReadTablet = (tablet: AttachedTablet, extent: Extent, signal: AbortSignal) => Promise<TabletReading>;

export interface Visits {
  /** `false`: it cannot be one, or there are more than a cart can hold. */
  arrived(tablet: AttachedTablet): boolean;
  left(deviceId: number): void;
  /** Something changed about it, such as that a person trusted this computer: it is asked now. */
  changed(deviceId: number): void;
  allLeft(): void;
}

interface Visited {
  readonly tablet: AttachedTablet;
  readonly serial: string;
  standing: TabletReading['standing'] | undefined;
  /** When all its facts were last read. */
  wholeMonoMs: number;
  retryMs: number;
  /** Of the reading that runs. */
  reading: AbortController | undefined;
  queued: boolean;
  cancelTimer: () => void;
}

/** The serial of a tablet as its USB descriptor has it: usbmuxd writes those of newer ones with a hyphen. */
export const serialOf = (udid: string): string => udid.replaceAll('-', '');

/**
 * Asks each tablet when it comes, its battery every minute and everything every five; at most two at once, five seconds each,
 * so that one that does not answer holds up nobody. What tells nothing is asked again after 1 s, doubling to a minute.
 */
export function tabletVisits(clock: HostClock, read: ReadTablet, sink: (event: TabletEvent) => void): Visits {
  const present = new Map<number, Visited>();
  let queue: Visited[] = [];
  let readings = 0;

  const isPresent = (visited: Visited): boolean => present.get(visited.tablet.deviceId) === visited;

  function tell(visited: Visited, standing: TabletReading['standing'] | 'gone', facts: Extract<TabletReading, { standing: 'read' }>['facts'] = {}): void {
    sink({ event: 'tablet', serial: visited.serial, source: 'lockdown', standing, readMonoMs: clock.monoMs(), facts });
  }

  function request(visited: Visited): void {
    visited.cancelTimer();
    if (visited.queued || visited.reading !== undefined) return;
    visited.queued = true;
    queue.push(visited);
    startNext();
  }

  function startNext(): void {
    while (readings < AT_ONCE) {
      const next = queue.shift();
      if (next === undefined) return;
      next.queued = false;
      readings += 1;
      void visit(next).finally(() => {
        readings -= 1;
        startNext();
      });
    }
  }

  async function visit(visited: Visited): Promise<void> {
    const asking = new AbortController();
    visited.reading = asking;
    const isWhole = visited.standing !== 'read' || clock.monoMs() - visited.wholeMonoMs >= WHOLE_EVERY_MS;
    const given = Promise.withResolvers<TabletReading>();
    asking.signal.addEventListener('abort', () => given.resolve({ standing: 'unreadable' }));
    const cancelDeadline = clock.after(TABLET_DEADLINE_MS, () => asking.abort());
    try {
      const reading = await Promise.race([read(visited.tablet, isWhole ? 'whole' : 'battery', asking.signal), given.promise]);
      visited.reading = undefined;
      if (isPresent(visited)) heard(visited, reading, isWhole);
    } finally {
      visited.reading = undefined;
      cancelDeadline();
    }
  }

  function heard(visited: Visited, reading: TabletReading, isWhole: boolean): void {
    const again = reading.standing !== 'read' && reading.standing === visited.standing;
    visited.standing = reading.standing;
    if (reading.standing === 'read') {
      if (isWhole) visited.wholeMonoMs = clock.monoMs();
      visited.retryMs = FIRST_RETRY_MS;
      tell(visited, 'read', reading.facts);
    } else if (!again) {
      tell(visited, reading.standing);
    }
    const waitMs = reading.standing === 'read' ? BATTERY_EVERY_MS : visited.retryMs;
    if (reading.standing !== 'read') visited.retryMs = Math.min(visited.retryMs * 2, LONGEST_RETRY_MS);
    visited.cancelTimer = clock.after(waitMs, () => request(visited));
  }

  function forget(visited: Visited): void {
    present.delete(visited.tablet.deviceId);
    queue = queue.filter((other) => other !== visited);
    visited.cancelTimer();
    visited.reading?.abort();
    tell(visited, 'gone');
  }

  return {
    arrived(tablet) {
      const serial = usbSerial.safeParse(serialOf(tablet.udid));
      if (!serial.success) return false;
      // One that came back before it was seen leaving, or whose number has been given to another.
      for (const other of present.values()) if (other.serial === serial.data || other.tablet.deviceId === tablet.deviceId) forget(other);
      if (present.size >= MOST_TABLETS) return false;
      const visited: Visited = { tablet, serial: serial.data, standing: undefined, wholeMonoMs: 0, retryMs: FIRST_RETRY_MS, reading: undefined, queued: false, cancelTimer: () => {} };
      present.set(tablet.deviceId, visited);
      request(visited);
      return true;
    },
    left(deviceId) {
      const visited = present.get(deviceId);
      if (visited !== undefined) forget(visited);
    },
    changed(deviceId) {
      const visited = present.get(deviceId);
      if (visited === undefined) return;
      visited.retryMs = FIRST_RETRY_MS;
      request(visited);
    },
    allLeft() {
      for (const visited of [...present.values()]) forget(visited);
    },
  };
}
