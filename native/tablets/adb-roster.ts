import type { TABLET_STANDINGS, TabletFacts } from '../../app/contract/device-host.ts';
import type { Result } from '../../app/domain/result.ts';
import type { TabletEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import type { AdbDevice, AdbState } from './adb-devices.ts';
import type { AndroidQuestion, AndroidReading } from './android-facts.ts';

const WHOLE_EVERY_MS = 5 * 60_000;
const BATTERY_EVERY_MS = 60_000;
const FIRST_RETRY_MS = 5_000;
const READS_AT_ONCE = 2;
/** A server that has just been started finds its tablets one by one; what it has not found by then is gone. */
const FIND_AGAIN_MS = 5_000;

type Standing = (typeof TABLET_STANDINGS)[number];

interface Tablet {
  readonly serial: string;
  /** `twice`: two tablets say that they are this one. `unseen`: not listed since the server came back. */
  state: AdbState | 'twice' | 'unseen';
  told: Standing | undefined;
  wholeAtMs: number | undefined;
  retryMs: number;
  /** Ends the read under way, or the wait for the next. */
  halt: () => void;
}

export interface RosterDeps {
  readonly clock: HostClock;
  readonly sink: (event: TabletEvent) => void;
  /** Asks one tablet; the function returned drops it, and `done` is then not called. */
  readonly ask: (serial: string, question: AndroidQuestion, done: (answer: Result<AndroidReading, unknown>) => void) => () => void;
}

export interface Roster {
  /** The server's whole list, on every change. */
  list(devices: readonly AdbDevice[]): void;
  /** The server went away: nothing is known until it lists again. */
  lost(): void;
  stop(): void;
}

/** Who is there by serial, what the station was told of each, and when each is asked again. At most two are asked at once. */
export function adbRoster({ clock, sink, ask }: RosterDeps): Roster {
  const tablets = new Map<string, Tablet>();
  const queue = new Map<string, AndroidQuestion>();
  let reads = 0;
  let cancelFinding: (() => void) | undefined;

  function tell(tablet: Tablet, standing: Standing, facts: TabletFacts = {}, readMonoMs = clock.monoMs()): void {
    if (standing === tablet.told && standing !== 'read') return;
    tablet.told = standing;
    sink({ event: 'tablet', serial: tablet.serial, source: 'adb', standing, readMonoMs, facts });
  }

  function halt(tablet: Tablet): void {
    queue.delete(tablet.serial);
    tablet.halt();
    tablet.halt = () => {};
  }

  function enqueue(tablet: Tablet, question: AndroidQuestion): void {
    queue.set(tablet.serial, question);
    readNext();
  }

  function readNext(): void {
    for (const [serial, question] of queue) {
      if (reads >= READS_AT_ONCE) return;
      queue.delete(serial);
      const tablet = tablets.get(serial);
      if (tablet !== undefined) read(tablet, question);
    }
  }

  function read(tablet: Tablet, question: AndroidQuestion): void {
    // A fact is as old as its question: the tablet may have measured at any time since.
    const askedMs = clock.monoMs();
    reads += 1;
    const drop = ask(tablet.serial, question, (answer) => {
      reads -= 1;
      tablet.halt = () => {};
      if (answer.ok) {
        if (question === 'whole') tablet.wholeAtMs = answer.value.partial ? undefined : askedMs;
        tablet.retryMs = FIRST_RETRY_MS;
        askAgain(tablet, BATTERY_EVERY_MS);
        tell(tablet, 'read', answer.value.facts, askedMs);
      } else {
        tablet.wholeAtMs = undefined;
        askAgain(tablet, tablet.retryMs);
        tablet.retryMs = Math.min(tablet.retryMs * 2, BATTERY_EVERY_MS);
        tell(tablet, 'unreadable');
      }
      readNext();
    });
    tablet.halt = () => {
      reads -= 1;
      drop();
      readNext();
    };
  }

  function askAgain(tablet: Tablet, inMs: number): void {
    tablet.halt = clock.after(inMs, () => {
      tablet.halt = () => {};
      const fresh = tablet.wholeAtMs !== undefined && clock.monoMs() - tablet.wholeAtMs < WHOLE_EVERY_MS;
      enqueue(tablet, fresh ? 'battery' : 'whole');
    });
  }

  function change(tablet: Tablet, state: Exclude<Tablet['state'], 'unseen'>): void {
    if (tablet.state === state) return;
    halt(tablet);
    tablet.state = state;
    tablet.retryMs = FIRST_RETRY_MS;
    switch (state) {
      case 'device':
        return enqueue(tablet, 'whole');
      case 'unauthorised':
        return tell(tablet, 'unauthorised');
      case 'twice':
        return tell(tablet, 'unreadable');
      case 'offline':
      case 'no-permission':
        return tell(tablet, 'offline');
    }
  }

  function remove(tablet: Tablet): void {
    tablets.delete(tablet.serial);
    halt(tablet);
    tell(tablet, 'gone');
  }

  return {
    list(devices) {
      const states = new Map<string, AdbState | 'twice'>();
      for (const { serial, state } of devices) states.set(serial, states.has(serial) ? 'twice' : state);
      for (const tablet of [...tablets.values()]) if (!states.has(tablet.serial) && tablet.state !== 'unseen') remove(tablet);
      for (const [serial, state] of states) {
        const tablet = tablets.get(serial) ?? { serial, state: 'unseen', told: undefined, wholeAtMs: undefined, retryMs: FIRST_RETRY_MS, halt: () => {} };
        tablets.set(serial, tablet);
        change(tablet, state);
      }
      cancelFinding ??= clock.after(FIND_AGAIN_MS, () => {
        for (const tablet of [...tablets.values()]) if (tablet.state === 'unseen') remove(tablet);
      });
    },
    lost() {
      cancelFinding?.();
      cancelFinding = undefined;
      queue.clear();
      for (const tablet of tablets.values()) {
        halt(tablet);
        tablet.state = 'unseen';
        tell(tablet, 'offline');
      }
    },
    stop() {
      cancelFinding?.();
      queue.clear();
      for (const tablet of tablets.values()) halt(tablet);
    },
  };
}
