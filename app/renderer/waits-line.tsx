import type { ReactNode } from 'react';
import type { Snapshot, SlotView } from '../contract/kiosk.ts';
import { useWords } from './language.ts';
import type { Words } from './language.ts';
import { useStationTime } from './station-time.ts';

/** "Tablet 9 waits: new enrolment not seen yet (4 min)"; nothing for a slot that waits for nothing. */
export function waitsWords({ slot, reason, leaf, sinceMs }: SlotView, nowMs: number, words: Words): string | undefined {
  if (reason === undefined || sinceMs === undefined) return undefined;
  return words.t(leaf === 'standing' ? 'slot.is' : 'slot.waits', { slot, reason: words.t(`slot.reason.${reason}`), age: words.age(nowMs - sinceMs) });
}

/** Of the tablets that wait the one that has waited longest, with its reason, and how many others there are. */
export function WaitsLine({ slots }: { readonly slots: Snapshot['slots'] }): ReactNode {
  const words = useWords();
  const now = useStationTime(15_000);
  const waiting = slots.filter(({ look, sinceMs }) => look === 'waiting' && sinceMs !== undefined).sort((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0));
  const [first] = waiting;
  const line = first && waitsWords(first, now, words);
  if (line === undefined) return null;
  return (
    <p className="waits">
      {line} {waiting.length > 1 && words.t('others.more', { count: waiting.length - 1 })}
    </p>
  );
}
