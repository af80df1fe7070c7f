import type { BoundedTime } from '../contract/custody.ts';
import { timeToTheSecond, dayOf, isSameDay } from './times.ts';

/** Whether the cart's clock may have been right: its claim lies within the bounds. Bounds are rounded outwards by a second, as they are shown. */
export function mayBeTrue({ claimed, notBefore, notAfter }: BoundedTime): boolean {
  const at = Date.parse(claimed);
  return (notBefore === undefined || at > Date.parse(notBefore) - 1000) && (notAfter === undefined || at < Date.parse(notAfter) + 1000);
}

/** How much is known of when it was: "both" moments, "one" of them, or "none". */
export function knownEnds({ notBefore, notAfter }: BoundedTime): 'both' | 'one' | 'none' {
  if (notBefore !== undefined && notAfter !== undefined) return 'both';
  return notBefore === undefined && notAfter === undefined ? 'none' : 'one';
}

/** The bounds as a sentence part: "between 02:14:03 and 02:14:41". A day is named where it is not the claimed one. */
export function boundWords({ claimed, notBefore, notAfter }: BoundedTime): string {
  const at = (iso: string): string => (isSameDay(iso, claimed) ? timeToTheSecond(iso) : `${dayOf(iso)} ${timeToTheSecond(iso)}`);
  if (notBefore !== undefined && notAfter !== undefined) return at(notBefore) === at(notAfter) ? `at ${at(notBefore)}` : `between ${at(notBefore)} and ${at(notAfter)}`;
  if (notAfter !== undefined) return `not after ${at(notAfter)}; how early is not known`;
  if (notBefore !== undefined) return `not before ${at(notBefore)}; how late is not known`;
  return 'by the cart’s own clock alone; nothing else bounds it';
}

/** The cart's time of day; where its clock cannot be right, the bounds in its place. `besideIso`: a moment whose day need not be said again. */
export function momentWords(time: BoundedTime, besideIso: string): string {
  const { claimed } = time;
  if (!mayBeTrue(time)) {
    const words = boundWords({ ...time, claimed: besideIso });
    return words.startsWith('at ') ? words.slice('at '.length) : `some time ${words}`;
  }
  return isSameDay(claimed, besideIso) ? timeToTheSecond(claimed) : `${dayOf(claimed)} ${timeToTheSecond(claimed)}`;
}

/** The moment to draw: the claim, moved into the bounds where it cannot be true. */
export function drawnAt(time: BoundedTime): number {
  const low = time.notBefore === undefined ? -Infinity : Date.parse(time.notBefore);
  const high = time.notAfter === undefined ? Infinity : Date.parse(time.notAfter);
  return Math.min(high, Math.max(low, Date.parse(time.claimed)));
}
