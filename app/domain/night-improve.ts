import { better, compareNeed, isGood, type Candidate, type Manner, type Score } from './night-candidate.ts';
import type { TabletWork } from './night-cart.ts';

type Try = (order: readonly TabletWork[], manner: Manner, beat: Score) => Candidate | undefined;

interface Walk {
  /** Good enough to stop. */
  readonly goodMs: number;
  readonly goesOn: (step: number) => boolean;
  readonly megabytesPerSecond: number;
  readonly wipes: number;
  /** The same tablets, put into lanes anew for this goal. */
  readonly pack: (chosen: readonly TabletWork[], goalMs: number, updatesFirst: boolean) => TabletWork[];
}

/**
 * Walks from one order to a neighbouring one as long as the need is met no later: moves a tablet in the order, swaps two,
 * takes another of the same ward instead, or shares power and network otherwise. Every second step concerns the
 * tablet that the others wait for. The steps are a fixed sequence, so the same start has the same end.
 */
export function improve(start: Candidate, usable: readonly TabletWork[], { goodMs, goesOn, megabytesPerSecond, wipes, pack }: Walk, attempt: Try): Candidate {
  const next = fixedSequence();
  const below = (count: number): number => Math.floor(next() * count);
  let best = start;
  let here = start;
  const nearerMs = (): number => Math.floor(goodMs + (best.score.metMs - goodMs) * (0.5 + next() / 2));
  /** Another of the same ward instead, or another place in the order; every third time of the one that all wait for. */
  const change = (order: TabletWork[]): void => {
    const slow = here.last ? order.indexOf(here.last) : -1;
    const at = slow >= 0 && next() < 0.33 ? slow : below(order.length);
    const work = order[at];
    if (!work) return;
    const spare = next() < 0.2 ? usable.filter((other) => other.tablet.ward === work.tablet.ward && !order.includes(other)) : [];
    const other = spare[below(spare.length)];
    if (other) order[at] = other;
    else {
      order.splice(at, 1);
      order.splice(below(order.length + 1), 0, work);
    }
  };
  for (let step = 0; goesOn(step) && !isGood(best, goodMs); step++) {
    const order = [...here.order];
    let { manner } = here;
    if (next() < 0.12) {
      const taking = { least: SHARES[below(SHARES.length)] ?? 1, most: megabytesPerSecond * (MOST[below(MOST.length)] ?? 1) };
      manner = { goalMs: nearerMs(), taking, updates: UPDATES[below(UPDATES.length)] ?? 'in-order', urgent: below(Math.min(2 + order.length, 24)), empty: next() < 0.5 ? 0 : below(wipes), byDue: best.score.late > 0 && next() < 0.7 };
    } else for (let move = below(3); move >= 0; move--) change(order);
    const found = attempt(next() < 0.06 ? pack(order, nearerMs(), next() < 0.5) : order, manner, here.score);
    if (!found || compareNeed(found.score, here.score) > 0) continue;
    here = found;
    if (better(here.score, best.score)) best = here;
  }
  return best;
}

const UPDATES = ['packed', 'in-order', 'with-wipe', 'longest-first'] as const satisfies readonly Manner['updates'][];
const SHARES = [0.05, 0.25, 0.5, 1];
const MOST = [1, 0.6, 0.4, 0.25];

/** Numbers from 0 to below 1, always the same ones (the multiplier and modulus of Park and Miller's generator). */
function fixedSequence(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
