import type { HostEvent } from '../../../app/contract/device-host.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import type { HostLife, Listener } from './delivered.ts';

/** A badge on a reader, from the moment it was put there until whoever holds it is sure that nothing more of it can come. */
export interface Presentation {
  readonly uid: string;
  readonly reader: string;
  /** The virtual reader ends with pcscd, so a badge that lies there is put on it again; that is another insertion. */
  insertion: number;
  /** Life of the host and insertion of each tap that was told. */
  readonly taps: { readonly life: number; readonly insertion: number }[];
  /** Why it could not be read, each time. */
  readonly unreadable: string[];
  removals: number;
  /** The badge before it was taken from this reader in the dark: what is still told of that one may come now. */
  readonly unsure: boolean;
}

export interface TapAccount extends Listener {
  present(uid: string, reader: string): Presentation;
  /** `inTheDark`: nobody could tell that it went. */
  over(presentation: Presentation, inTheDark: boolean): void;
  /** The station asks whose badge this is: it deals with a tap of it now. `offeredTo`: who has an open offer at that moment. */
  dealtWith(uid: string, offeredTo: readonly string[]): void;
  entry(entry: RecordedEntry): void;
  /** Whether every tap has left its one trace; what is missing, in words, otherwise. */
  missing(): readonly string[];
  /** Reports what is missing, then forgets what has been compared. */
  settle(): void;
  readonly totals: { taps: number; bounced: number; overtaken: number; unreadable: number; offered: number; claimed: number; shownAgain: number; refused: number };
}

/** A badge that is back so soon was not away: what it leaves is the trace of the tap before. */
const BOUNCE_MS = 300;

/** Nobody's badge, and no badge at all, in the books of people. */
const STRANGERS = 'strangers';
const UNREADABLE = 'unreadable';

/**
 * Books of taps. Each tap that was delivered, but for those of a badge that bounced or still waited, is dealt with once and
 * leaves one trace: an offer, a claim, a refusal (counted in an entry), or, for somebody who has an open offer already, that
 * offer again. `actorOf`: whose badge it is; undefined: nobody's.
 */
export function createTapAccount({ actorOf, wrong }: { readonly actorOf: (uid: string) => string | undefined; readonly wrong: (what: string) => void }): TapAccount {
  const lying = new Map<string, Presentation>();
  /** By reader: the last badge, where it was taken away in the dark. */
  const vanished = new Map<string, Presentation>();
  /** By badge: its last tap of this host, in the host's own time. */
  const lastTaps = new Map<string, { readonly life: number; readonly reader: string; readonly tappedMs: number; leftMs?: number }>();
  const delivered = new Map<string, number>();
  const dealt = new Map<string, number>();
  const due = new Map<string, number>();
  const kept = new Map<string, number>();
  const totals = { taps: 0, bounced: 0, overtaken: 0, unreadable: 0, offered: 0, claimed: 0, shownAgain: 0, refused: 0 };

  const add = (book: Map<string, number>, key: string, count = 1): void => void book.set(key, (book.get(key) ?? 0) + count);

  function tapped({ uid, reader, monoMs }: Extract<HostEvent, { event: 'tap' }>, life: HostLife): void {
    totals.taps += 1;
    const last = lastTaps.get(uid);
    const lies = last?.reader === reader && last.leftMs === undefined;
    const bounced = last?.life === life.number && (lies || monoMs - (last.leftMs ?? last.tappedMs) < BOUNCE_MS);
    // A badge whose last tap still waits, because the station is busy, is not queued twice.
    if ((delivered.get(uid) ?? 0) > (dealt.get(uid) ?? 0)) totals.overtaken += 1;
    else {
      if (bounced) totals.bounced += 1;
      else add(delivered, uid);
      lastTaps.set(uid, { life: life.number, reader, tappedMs: monoMs });
    }
    const presentation = [lying.get(reader), vanished.get(reader)].find((each) => each?.uid === uid);
    if (presentation === undefined) return wrong(`a tap of ${uid} on ${reader}, where ${lying.get(reader)?.uid ?? 'nothing'} lies`);
    const tap = { life: life.number, insertion: presentation.insertion };
    if (presentation.taps.some((before) => before.life === tap.life && before.insertion === tap.insertion)) wrong(`one presentation of ${uid} on ${reader} was told twice by host ${life.number}`);
    presentation.taps.push(tap);
  }

  function left(reader: string, monoMs: number): void {
    for (const last of lastTaps.values()) if (last.reader === reader) last.leftMs ??= monoMs;
  }

  function missing(): readonly string[] {
    const lines: string[] = [];
    for (const uid of new Set([...delivered.keys(), ...dealt.keys()])) {
      const [told, handled] = [delivered.get(uid) ?? 0, dealt.get(uid) ?? 0];
      if (told !== handled) lines.push(`${uid}: ${told} taps were delivered, ${handled} dealt with`);
    }
    for (const who of new Set([...due.keys(), ...kept.keys()])) {
      const [owed, recorded] = [due.get(who) ?? 0, kept.get(who) ?? 0];
      if (owed !== recorded) lines.push(`${who}: ${owed} taps must have left a trace, the ledger has ${recorded}`);
    }
    return lines;
  }

  return {
    totals,
    missing,
    present(uid, reader) {
      const presentation: Presentation = { uid, reader, insertion: 0, taps: [], unreadable: [], removals: 0, unsure: vanished.has(reader) };
      lying.set(reader, presentation);
      return presentation;
    },
    over(presentation, inTheDark) {
      lying.delete(presentation.reader);
      if (inTheDark) vanished.set(presentation.reader, presentation);
      else vanished.delete(presentation.reader);
    },
    event(event, life) {
      if (event.event === 'tap') tapped(event, life);
      if (event.event === 'card-removed' || (event.event === 'reader' && event.state === 'gone')) left(event.reader, event.monoMs);
      if (event.event === 'card-removed') {
        const presentation = lying.get(event.reader) ?? vanished.get(event.reader);
        if (presentation) presentation.removals += 1;
        else wrong(`a removal from ${event.reader}, where nothing lay`);
      }
      if (event.event === 'tap-unreadable') {
        totals.unreadable += 1;
        add(due, UNREADABLE);
        const presentation = lying.get(event.reader) ?? vanished.get(event.reader);
        if (presentation) presentation.unreadable.push(event.cause);
        else wrong(`an unreadable card (${event.cause}) on ${event.reader}, where nothing lay`);
      }
    },
    dealtWith(uid, offeredTo) {
      add(dealt, uid);
      const actor = actorOf(uid);
      if (actor !== undefined && offeredTo.includes(actor)) totals.shownAgain += 1;
      else add(due, actor ?? STRANGERS);
    },
    entry(entry) {
      switch (entry.type) {
        case 'offered':
          totals.offered += 1;
          return add(kept, entry.actor ?? '');
        case 'removal-claimed':
          totals.claimed += 1;
          return add(kept, entry.actor ?? '');
        case 'tap-refused': {
          const { reason, count } = entry.body;
          totals.refused += count;
          return add(kept, entry.actor ?? (reason === 'badge-unknown' ? STRANGERS : reason === 'badge-unreadable' ? UNREADABLE : reason), count);
        }
      }
    },
    settle() {
      for (const line of missing()) wrong(line);
      for (const book of [delivered, dealt, due, kept]) book.clear();
    },
  };
}
