import type { ConflictSide, CustodyAnswer, CustodyInterval, Holder } from '../contract/custody.ts';

type End = CustodyInterval['opened'];
type Place = CustodyInterval['place'];

/** "Cart A, slot 4". */
export function placeWords({ cart, slot }: Place): string {
  return slot === undefined ? cart : `${cart}, slot ${slot}`;
}

/** What happened at one end of an interval, as the cart at `place` tells it. */
export function endWords({ how, at }: End, place: Place): string {
  const there = placeWords(at ?? place);
  switch (how) {
    case 'put-in':
      return `Put into ${there}`;
    case 'returned':
      return `Returned to ${there}`;
    case 'taken':
      return `Taken from ${there}`;
    case 'elsewhere':
      return at?.station === place.station ? `Put into ${there}, as another ledger of this cart tells` : `Put into another cart: ${there}`;
    case 'out-of-sight':
      return `${place.cart} stopped seeing its slots; the tablet may have stayed`;
    case 'away-for-wipe':
      return `Away from ${there} while it is wiped or updated`;
    case 'seen-again':
      return `Seen again in ${there}`;
    case 'passing':
      return `Put into ${there}, a cart that does not know it`;
  }
}

/** Who answered for the tablet while it was held. */
export function holderWords(holder: Holder | undefined): string {
  switch (holder?.kind) {
    case 'person':
      return holder.name;
    case 'unidentified':
      return 'Somebody not identified';
    case 'ward':
      return 'Nobody named; the ward answers';
    case undefined:
      return 'Not known who';
  }
}

/** The heading of an interval: who had it, or where it stood. */
export function intervalWords({ kind, holder, place }: CustodyInterval): string {
  switch (kind) {
    case 'held':
      return holderWords(holder);
    case 'docked':
      return `In ${placeWords(place)}`;
    case 'unwatched':
      return 'No cart was looking';
  }
}

/** Why the interval is told although it may lie outside what was asked. */
export const OVERLAP_WORDS: Readonly<Record<CustodyInterval['overlap'], { readonly tag: string; readonly meaning: string }>> = {
  certain: { tag: 'certain', meaning: 'It was so at some moment of the time asked about, whatever the clocks are off by.' },
  possible: { tag: 'only possible', meaning: 'It may have been so in the time asked about; the clocks do not decide it.' },
};

/** The answer in sentences, before its details: who certainly had the tablet, who possibly, and what is not known. */
export function summary({ intervals, conflicts, truncated }: CustodyAnswer): readonly string[] {
  const held = intervals.filter(({ kind }) => kind === 'held');
  const certain = names(held.filter(({ overlap }) => overlap === 'certain'));
  const possible = names(held.filter(({ overlap }) => overlap === 'possible')).filter((name) => !certain.includes(name));
  const docked = intervals.some(({ kind }) => kind === 'docked');
  const contradicted = conflicts.some(({ closed }) => closed === undefined);
  const sentences: string[] = contradicted ? ['Two carts contradict each other about it.'] : [];
  if (intervals.length === 0) sentences.push('No cart tells anything about it in this time.');
  else if (certain.length > 0) sentences.push(capitalized(`${listed(certain)} had it.`));
  else if (possible.length > 0) sentences.push('Nobody certainly had it.');
  else sentences.push(docked && !contradicted ? 'Nobody had it: it stood in a cart.' : 'Nobody is recorded as having it.');
  if (possible.length > 0) sentences.push(ended(`Possibly ${certain.length > 0 ? 'also ' : ''}${listed(possible)}`));
  if (intervals.some(({ kind }) => kind === 'unwatched')) sentences.push('For a time no cart was looking.');
  if (truncated) sentences.push('This answer is not complete: more happened than it holds. Ask about a shorter time.');
  return sentences;
}

function names(held: readonly CustodyInterval[]): readonly string[] {
  return [...new Set(held.map(({ holder }) => sentenceName(holder)))];
}

function sentenceName(holder: Holder | undefined): string {
  return holder?.kind === 'ward' ? 'nobody named (the ward answers)' : holder?.kind === 'person' ? holder.name : 'somebody not identified';
}

/** "Aisha R., Tom O. and Zoë M." */
function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

/** With a full stop; "Aisha R." brings its own. */
function ended(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Which other cart contradicts an interval, while nobody has closed the conflict: what only one of two ledgers tells is not certain. */
export function contradictedBy({ opened }: CustodyInterval, conflicts: CustodyAnswer['conflicts']): string | undefined {
  const isThis = ({ opened: { evidence } }: ConflictSide): boolean => evidence.origin === opened.evidence.origin && evidence.seq === opened.evidence.seq;
  const sides = conflicts.find(({ closed, sides: both }) => closed === undefined && both.some(isThis))?.sides;
  return sides?.find((side) => !isThis(side))?.place.cart;
}

/** The time in which both sides say they had the tablet, beyond every clock error; undefined where a bound is not known. `nowMs` ends a side that goes on. */
export function contradiction([one, other]: readonly [ConflictSide, ConflictSide], nowMs: number): { readonly from: number; readonly to: number } | undefined {
  const latest = (time: string | undefined): number => Date.parse(time ?? '');
  const from = Math.max(latest(one.opened.time.notAfter), latest(other.opened.time.notAfter));
  const until = ({ closed }: ConflictSide): number => (closed === undefined ? nowMs : latest(closed.time.notBefore));
  const to = Math.min(until(one), until(other));
  return from < to ? { from, to } : undefined;
}
