import type { CommandOutcome, ReaderEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import type { UnreadableCause } from './badge-uid.ts';
import { askHolder, readCard, type CardOutcome, type ReadBadge } from './card-reading.ts';
import type { CardTrust } from './card-trust.ts';
import { changesSince, insertionCount, STATE_EMPTY, STATE_MUTE, STATE_PRESENT, STATE_UNREACHABLE, type PcscReader } from './pcsclite-module.ts';

/** Longer together than the 400 ms in which pcscd notices that a card has left a reader it must poll. */
const CONTACT_RETRIES = 6;
const CONTACT_RETRY_MS = 80;

export interface ReaderWatchDeps {
  readonly reader: PcscReader;
  readonly clock: HostClock;
  readonly emit: (event: ReaderEvent) => void;
  /** Badge told last and not seen leaving, by reader name. It outlives this watch: a badge left lying is not tapped again by a restart. */
  readonly resting: Map<string, string>;
  readonly onServiceLost: () => void;
  /** What cards are proved by, now; undefined while they are read by their numbers alone. */
  readonly trust?: () => CardTrust | undefined;
}

export interface ReaderWatch {
  /** Status bits as the service tells them. */
  onStatus(state: number): void;
  /** Has the card that was told as `uid`, and lies there still, prove its holder's PIN. */
  provePin(uid: string, pin: string): Promise<CommandOutcome>;
  /** Tells nothing more. Resolves when no call into the reader is open: a mute card holds it until it is pulled. */
  stop(): Promise<void>;
}

/**
 * One reader's presentations of cards, each told once: `tap` or `tap-unreadable`, then `card-removed`.
 * The first status is how things stand: empty is no removal, a card that waits there is read.
 */
export function watchReader({ reader, clock, emit, resting, onServiceLost, trust = () => undefined }: ReaderWatchDeps): ReaderWatch {
  /** Presentations are numbered; these are the latest that began, whose reading began, and that was told. */
  let presentation = 0;
  let readPresentation = 0;
  let toldPresentation = 0;
  let insertions = -1;
  let present = false;
  let known = false;
  let stopped = false;
  let busy: Promise<void> | undefined;
  /** The badge that was read last, and in which presentation. */
  let badge: { readonly which: number; readonly uid: string; readonly assurance: ReadBadge['assurance'] } | undefined;

  const owedRemovals: number[] = [];

  function tellRemovals(): void {
    while (owedRemovals[0] !== undefined && owedRemovals[0] <= toldPresentation) {
      owedRemovals.shift();
      resting.delete(reader.name);
      emit({ event: 'card-removed', reader: reader.name });
    }
  }

  /** A removal waits until its own card has been told, so that a quick tap reads in the order it happened. */
  function removed(): void {
    present = false;
    // A card that left before its turn to be read came while another held the reader.
    if (readPresentation < presentation) {
      readPresentation = presentation;
      tellUnreadable('removed', presentation);
    }
    owedRemovals.push(presentation);
    tellRemovals();
  }

  function tellUnreadable(cause: UnreadableCause, which: number): void {
    toldPresentation = which;
    emit({ event: 'tap-unreadable', reader: reader.name, cause });
    tellRemovals();
  }

  function told(outcome: CardOutcome, which: number): void {
    if (outcome.ok) {
      toldPresentation = which;
      badge = { which, uid: outcome.uid, assurance: outcome.assurance };
      const leftLying = resting.get(reader.name) === outcome.uid;
      if (!leftLying) {
        resting.set(reader.name, outcome.uid);
        emit({ event: 'tap', reader: reader.name, assurance: outcome.assurance, uid: outcome.uid });
      }
      tellRemovals();
    } else if (outcome.cause === 'service-lost') {
      onServiceLost();
    } else {
      tellUnreadable(outcome.cause === 'disturbed' ? 'protocol' : outcome.cause, which);
    }
  }

  const stillThere = (which: number): boolean => !stopped && present && presentation === which;

  /** A badge bounces in the field: one that lost contact but did not leave is asked again, and so is one that another program has reset. */
  async function readThrough(which: number): Promise<void> {
    for (let retriesLeft = CONTACT_RETRIES; ; retriesLeft -= 1) {
      const reading = readCard({ reader, clock, wanted: () => !stopped }, trust());
      const outcome = await reading.outcome;
      const lostContact = !outcome.ok && (outcome.cause === 'removed' || outcome.cause === 'disturbed');
      if (lostContact && retriesLeft > 0 && stillThere(which)) {
        await reading.released;
        await new Promise<void>((passed) => clock.after(CONTACT_RETRY_MS, passed));
        if (stillThere(which)) continue;
      }
      if (!stopped) told(outcome, which);
      return reading.released;
    }
  }

  async function readWaiting(): Promise<void> {
    while (!stopped && present && readPresentation !== presentation) {
      readPresentation = presentation;
      await readThrough(presentation);
    }
  }

  function read(): void {
    busy ??= readWaiting().finally(() => {
      busy = undefined;
    });
  }

  function inserted(state: number): void {
    present = true;
    insertions = insertionCount(state);
    presentation += 1;
    if ((state & STATE_MUTE) !== 0) {
      readPresentation = presentation;
      tellUnreadable('mute', presentation);
    } else {
      read();
    }
  }

  function onStatus(state: number): void {
    if (stopped) return;
    const first = !known;
    known = true;
    if ((state & STATE_PRESENT) !== 0) {
      // pcsclite may merge two changes into one status; the count still tells that the card was out in between: out and in are two.
      // One more is the insertion itself: the service shows a card a moment before it counts it.
      if (present && changesSince(insertions, state) >= 2) removed();
      if (!present) inserted(state);
    } else if ((state & (STATE_EMPTY | STATE_UNREACHABLE)) !== 0) {
      if (present) removed();
      else if (first && (state & STATE_EMPTY) !== 0) resting.delete(reader.name);
    }
  }

  async function provePin(uid: string, pin: string): Promise<CommandOutcome> {
    const which = presentation;
    while (busy !== undefined) await busy;
    if (!stillThere(which) || badge?.which !== which || badge.uid !== uid) return { ok: false, reason: 'card-gone' };
    const trusted = trust();
    if (badge.assurance !== 'crypto' || trusted === undefined) return { ok: false, reason: 'card-has-no-pin' };
    const { outcome, released } = askHolder({ reader, clock, wanted: () => stillThere(which) }, trusted, uid, pin);
    busy = released.finally(() => {
      busy = undefined;
      // A card that came meanwhile waits for its turn.
      read();
    });
    return outcome;
  }

  return {
    onStatus,
    provePin,
    async stop() {
      stopped = true;
      await busy;
    },
  };
}
