import type { ReaderEvent } from '../../adapters.ts';
import type { HostClock } from '../../clock.ts';
import type { UidReading } from '../badge-uid.ts';
import type { HidDevice } from './node-hid-module.ts';
import { answerBytes, ASK_BIT_COUNT, ASK_CARD, FEATURE_REPORT_LENGTH, isEmpty, readPcproxCard } from './pcprox-report.ts';

/** The reader holds a card's number for longer than this, so that none is missed. */
const POLL_MS = 100;
/** A card that never gives the same answer twice is told as unreadable after a second. */
const MOST_UNSETTLED = 10;

export interface PcproxWatchDeps {
  readonly device: HidDevice;
  readonly reader: string;
  readonly clock: HostClock;
  readonly emit: (event: ReaderEvent) => void;
  /** Badge told last and not seen leaving, by reader. It outlives this watch: a badge left lying is not tapped again when the reader is opened anew. */
  readonly resting: Map<string, string>;
  readonly onLost: () => void;
}

type Look = { readonly kind: 'empty' } | { readonly kind: 'same' } | { readonly kind: 'unsettled' } | { readonly kind: 'card'; readonly held: string; readonly reading: UidReading };

/**
 * Asks one reader again and again which card lies on it, and tells each presentation once: `tap` or `tap-unreadable`, then
 * `card-removed`. How long a card counts as lying there is the reader's own rule.
 */
export function watchPcprox({ device, reader, clock, emit, resting, onLost }: PcproxWatchDeps): { stop(): Promise<void> } {
  /** What the reader holds of the card that has been told; empty for one that could not be read. */
  let present: string | undefined;
  let unsettled = 0;
  let stopped = false;
  let cancelPoll = () => {};

  async function ask(question: Buffer): Promise<Uint8Array | undefined> {
    await device.sendFeatureReport(question);
    return answerBytes(await device.getFeatureReport(0, FEATURE_REPORT_LENGTH));
  }

  async function look(): Promise<Look> {
    const card = await ask(ASK_CARD);
    if (card === undefined) return { kind: 'unsettled' };
    if (isEmpty(card)) return { kind: 'empty' };
    const held = Buffer.from(card).toString('hex');
    if (held === present) return { kind: 'same' };
    const bitCount = await ask(ASK_BIT_COUNT);
    const again = await ask(ASK_CARD);
    // Cards may have been changed between the two questions: their answers must be of one.
    if (bitCount === undefined || again === undefined || !Buffer.from(again).equals(card)) return { kind: 'unsettled' };
    const reading = readPcproxCard(card, bitCount);
    return !reading.ok && reading.cause === 'protocol' ? { kind: 'unsettled' } : { kind: 'card', held, reading };
  }

  function removed(): void {
    if (present === undefined) return;
    present = undefined;
    resting.delete(reader);
    emit({ event: 'card-removed', reader });
  }

  function shown(held: string, reading: UidReading): void {
    removed();
    present = held;
    if (!reading.ok) return emit({ event: 'tap-unreadable', reader, cause: reading.cause });
    if (resting.get(reader) === reading.uid) return;
    resting.set(reader, reading.uid);
    emit({ event: 'tap', reader, assurance: 'uid', uid: reading.uid });
  }

  function act(seen: Look): void {
    unsettled = seen.kind === 'unsettled' ? unsettled + 1 : 0;
    switch (seen.kind) {
      case 'empty':
        removed();
        // One that left while nobody looked may come again.
        resting.delete(reader);
        break;
      case 'card':
        shown(seen.held, seen.reading);
        break;
      case 'unsettled':
        if (unsettled === MOST_UNSETTLED && present !== '') shown('', { ok: false, cause: 'protocol' });
        break;
      case 'same':
        break;
    }
  }

  async function poll(): Promise<void> {
    try {
      const seen = await look();
      if (stopped) return;
      act(seen);
      cancelPoll = clock.after(POLL_MS, () => {
        polling = poll();
      });
    } catch {
      // Whatever node-hid says, the reader does not answer any more; opening it anew shows what is wrong.
      if (!stopped) onLost();
    }
  }

  let polling = poll();

  return {
    async stop() {
      stopped = true;
      cancelPoll();
      await polling;
    },
  };
}
