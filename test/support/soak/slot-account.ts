import type { HostEvent, SlotState } from '../../../app/contract/device-host.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import type { Listener } from './delivered.ts';

/** A time without sight of the slots, and what its end should leave in the ledger. */
interface Gap {
  /** From the last word of the host that was lost to the whole cart of one after it. */
  readonly silentMs: number;
  /** Stood in their slots before and after. */
  readonly stood: readonly string[];
  /** Of these, what the bus has as attached anew. */
  readonly detached: readonly string[];
}

interface GapKept {
  readonly gapMs: number;
  readonly exposed: string[];
  /** Recorded as away for all of it and back, as a wipe restarts a tablet. */
  readonly restarted: string[];
}

export interface SlotAccount extends Listener {
  entry(entry: RecordedEntry): void;
  /** Where each tablet is by all that was told. */
  readonly at: ReadonlyMap<string, number>;
  /** What was told of one slot since the last call, in words: `empty`, `present`, or a serial. */
  take(slot: number): readonly string[];
  /** Compares what was told with what the ledger holds of it, then forgets both. Only while nothing is under way. */
  settle(): void;
  /** Compared so far. */
  readonly totals: { departures: number; arrivals: number; gaps: number; longGaps: number; exposed: number; detached: number };
}

const DEPARTURES: ReadonlySet<RecordedEntry['type']> = new Set(['released', 'wrong-pull', 'unidentified-removal', 'absent']);
const ARRIVALS: ReadonlySet<RecordedEntry['type']> = new Set(['returned', 'reappeared']);

/**
 * Keeps a second set of books, by the design's words and not by the station's code: what each word of the host must leave in
 * the ledger, exactly once and in order. A movement in the dark is one that the next whole cart shows.
 */
export function createSlotAccount({ nowMs, gapMaxMs, wrong }: { readonly nowMs: () => number; readonly gapMaxMs: number; readonly wrong: (what: string) => void }): SlotAccount {
  const shown = new Map<number, string | undefined>();
  const at = new Map<string, number>();
  const words = new Map<number, string[]>();
  const due = new Map<string, string[]>();
  const kept = new Map<string, string[]>();
  const gapsDue: (Gap | 'lost')[] = [];
  const gapsKept: (GapKept | 'lost')[] = [];
  const totals = { departures: 0, arrivals: 0, gaps: 0, longGaps: 0, exposed: 0, detached: 0 };
  const attachments = new Map<number, string | undefined>();
  let lastExposed: RecordedEntry | undefined;
  let lastAbsent: RecordedEntry | undefined;
  let sight: 'none' | 'watching' | 'lost' = 'none';
  let lastWordMs = 0;

  const note = (book: Map<string, string[]>, key: string, line: string): void => void book.set(key, [...(book.get(key) ?? []), line]);
  const wordOf = ({ present, serial }: SlotState): string => serial ?? (present ? 'present' : 'empty');

  /** Nobody saw one leave that comes from another slot of the cart: it counts as exposed. */
  function arrived(serial: string, slot: number): void {
    note(due, serial, at.has(serial) ? `over to ${slot}` : `in ${slot}`);
    at.set(serial, slot);
  }

  /** A tablet that the ledger has in this slot, where it is not any more, has left the cart or stands in another slot by now. */
  function leftBehind(slot: number, serial: string | undefined): void {
    for (const [other, where] of [...at]) {
      if (where !== slot || other === serial) continue;
      const elsewhere = [...shown].find(([, told]) => told === other)?.[0];
      if (elsewhere !== undefined) arrived(other, elsewhere);
      else {
        at.delete(other);
        note(due, other, `out ${slot}`);
      }
    }
  }

  function changed(state: SlotState): void {
    const { slot, serial } = state;
    const before = shown.get(slot);
    words.set(slot, [...(words.get(slot) ?? []), wordOf(state)]);
    shown.set(slot, serial);
    attachments.set(slot, state.attachment);
    leftBehind(slot, serial);
    if (serial !== undefined && serial !== before) arrived(serial, slot);
  }

  function seenWhole(slots: readonly SlotState[]): void {
    for (const { slot, serial } of slots) shown.set(slot, serial);
    const before = new Map(at);
    const stood: string[] = [];
    const detached: string[] = [];
    for (const state of slots) {
      const { slot, serial } = state;
      words.set(slot, [...(words.get(slot) ?? []), wordOf(state)]);
      if (serial === undefined) continue;
      if (before.get(serial) === slot) {
        stood.push(serial);
        if (attachments.get(slot) !== state.attachment) detached.push(serial);
      } else arrived(serial, slot);
    }
    for (const { slot, attachment } of slots) attachments.set(slot, attachment);
    for (const { slot, serial } of slots) leftBehind(slot, serial);
    if (sight === 'lost') gapsDue.push({ silentMs: nowMs() - lastWordMs, stood, detached });
    sight = 'watching';
  }

  /** Exposed and arrived in one breath. */
  function movedOver({ seq, device }: RecordedEntry): boolean {
    const over = lastExposed?.device === device && lastExposed?.seq === seq - 1;
    if (over) lastExposed = undefined;
    return over;
  }

  /** Takes the next exposure, once it is certain that the one before it was of a tablet that had stood where it was. */
  function exposed(next: RecordedEntry | undefined): void {
    if (lastExposed?.device !== undefined) {
      const gap = gapsKept.at(-1);
      if (gap === undefined || gap === 'lost') wrong(`${lastExposed.device} counts as unobserved though the cart was watched`);
      else gap.exposed.push(lastExposed.device);
    }
    lastExposed = next;
  }

  /** Away for exactly the time that nobody watched, and back in the same breath. */
  function restartedInGap({ seq, device, type, body }: RecordedEntry): boolean {
    const gap = gapsKept.at(-1);
    if (type !== 'reappeared' || gap === undefined || gap === 'lost' || device === undefined) return false;
    if (lastAbsent?.device !== device || lastAbsent.seq !== seq - 1 || body.absenceMs !== gap.gapMs) return false;
    kept.get(device)?.pop();
    gap.restarted.push(device);
    return true;
  }

  function compareGaps(): void {
    const order = (gaps: readonly (object | 'lost')[]): string => gaps.map((gap) => (gap === 'lost' ? 'lost' : 'restored')).join(' ');
    if (order(gapsDue) !== order(gapsKept)) return wrong(`sight: the host's lives say "${order(gapsDue)}", the ledger "${order(gapsKept)}"`);
    for (const [index, gap] of gapsDue.entries()) {
      const entry = gapsKept[index];
      if (gap === 'lost' || entry === undefined || entry === 'lost') continue;
      if (entry.gapMs < gap.silentMs) wrong(`the ledger says that nobody watched for ${entry.gapMs} ms; the host said nothing for ${gap.silentMs} ms`);
      const long = entry.gapMs > gapMaxMs;
      const expected = (long ? gap.stood : gap.detached).toSorted().join(' ');
      const recorded = [...entry.exposed, ...entry.restarted].sort().join(' ');
      if (recorded !== expected) wrong(`after a gap of ${entry.gapMs} ms these count as exposed or restarted: "${recorded}"; they should be "${expected}"`);
      if (long && entry.restarted.length > 0) wrong(`after a gap of ${entry.gapMs} ms ${entry.restarted.join(' ')} passed for restarted`);
      totals.gaps += 1;
      totals.longGaps += long ? 1 : 0;
      totals.exposed += entry.exposed.length;
      totals.detached += gap.detached.length;
    }
  }

  return {
    at,
    totals,
    take(slot) {
      const told = words.get(slot) ?? [];
      words.delete(slot);
      return told;
    },
    event(event: HostEvent) {
      if (event.event === 'slots') seenWhole(event.slots);
      if (event.event === 'slot') changed(event);
      if (event.event === 'hub') wrong(`hub ${event.hub} is told as ${event.state}, though none was touched`);
      if (event.event === 'adapter' && event.name === 'usb' && event.state !== 'working') wrong(`the slots' adapter is ${event.state}: ${event.detail ?? ''}`);
    },
    closed({ heardMs }) {
      if (sight !== 'watching') return;
      sight = 'lost';
      lastWordMs = heardMs;
      gapsDue.push('lost');
    },
    entry(entry) {
      const { type, device = '', slot = 0 } = entry;
      if (type === 'host-lost' || type === 'host-restored') exposed(undefined);
      if (DEPARTURES.has(type)) note(kept, device, `out ${slot}`);
      if (ARRIVALS.has(type) && !restartedInGap(entry)) note(kept, device, `${movedOver(entry) ? 'over to' : 'in'} ${slot}`);
      if (type === 'host-lost') gapsKept.push('lost');
      if (type === 'host-restored') gapsKept.push({ gapMs: entry.body.gapMs, exposed: [], restarted: [] });
      lastAbsent = type === 'absent' ? entry : undefined;
      exposed(type === 'exposed' && entry.body.cause === 'unobserved' ? entry : undefined);
    },
    settle() {
      exposed(undefined);
      for (const serial of new Set([...due.keys(), ...kept.keys()])) {
        const [told, recorded] = [due.get(serial) ?? [], kept.get(serial) ?? []];
        if (told.join(', ') !== recorded.join(', ')) wrong(`${serial}: told "${told.join(', ')}", the ledger has "${recorded.join(', ')}"`);
        totals.departures += recorded.filter((line) => line.startsWith('out')).length;
        totals.arrivals += recorded.filter((line) => line.startsWith('in')).length;
      }
      compareGaps();
      for (const book of [due, kept]) book.clear();
      words.clear();
      gapsDue.length = 0;
      gapsKept.length = 0;
    },
  };
}
