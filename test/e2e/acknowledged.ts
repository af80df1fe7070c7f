import type { KioskMessage } from '../../app/contract/kiosk.ts';
import type { RecordedEntry } from '../../app/domain/entries.ts';
import { entriesOf } from './ledger-copy.ts';

/** How long a notice stays, by kind (station's own times): what was recorded lies just before its beginning. */
const NOTICE_MS = { taken: 4_000, returned: 4_000, keep: 6_000, back: 30_000, owed: 15_000 };
/** Between an entry's time and the notice of it lies one durable write. */
const WRITE_MS = 20_000;

/** What the page was shown and the ledger does not hold. Each entry answers for one message. */
export function lostAcknowledgements(shown: Iterable<KioskMessage>, entries: readonly RecordedEntry[]): readonly string[] {
  const used = new Set<number>();
  return [...shown].filter((message) => {
    const answer = answering(message, entries).find(({ seq }) => !used.has(seq));
    if (answer) used.add(answer.seq);
    return answer === undefined;
  }).map((message) => JSON.stringify(message));
}

/** Newest first: a notice follows its entry at once. */
function answering(message: KioskMessage, entries: readonly RecordedEntry[]): readonly RecordedEntry[] {
  const at = (slot: number, untilMs: number, ...lengths: readonly number[]) => (entry: RecordedEntry): boolean =>
    entry.slot === slot && lengths.some((length) => entry.atMs <= untilMs - length && entry.atMs > untilMs - length - WRITE_MS);
  switch (message.kind) {
    case 'take':
      return entriesOf(entries, 'offered', { offer: message.session }).filter(({ slot }) => slot === message.slot);
    case 'taken': {
      const began = at(message.slot, message.untilMs, NOTICE_MS.taken);
      return [...entriesOf(entries, 'released', { how: 'offered' }), ...entriesOf(entries, 'removal-claimed', { owed: false })].filter(began).reverse();
    }
    case 'returned':
      return entriesOf(entries, 'returned', { how: message.how }).filter(at(message.slot, message.untilMs, NOTICE_MS.returned)).reverse();
    case 'unidentified':
      return entriesOf(entries, 'unidentified-removal', { claimUntilMs: message.untilMs }).filter(({ slot }) => slot === message.slot);
    case 'wrong-slot': {
      if (message.untilMs === undefined) return [];
      if (message.clean) return entriesOf(entries, 'released', { how: 'other-clean' }).filter(at(message.pulled, message.untilMs, NOTICE_MS.keep)).reverse();
      const began = at(message.pulled, message.untilMs, NOTICE_MS.back, NOTICE_MS.owed);
      return [...entriesOf(entries, 'wrong-pull'), ...entriesOf(entries, 'removal-claimed', { owed: true })].filter(began).reverse();
    }
    default:
      return [];
  }
}
