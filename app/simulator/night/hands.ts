import type { Staff } from '../directory.ts';
import type { Happenings } from '../happenings.ts';
import type { Cart } from '../world/cart.ts';

/** A person waits this long for a slot to light up, real time; then the next one tries. */
const PATIENCE_MS = 4_000;

export interface HandsDeps {
  readonly cart: Cart;
  readonly happenings: Happenings;
  /** Holds the person's card to the reader. */
  readonly tap: (person: Staff) => void;
}

const LATE_SHIFT = 10;

/** Who comes for a tablet in the evening: nurses who hold none, in any order. */
export function lateShift(staff: readonly Staff[], hands: ReadonlyMap<string, string>, random: () => number): readonly Staff[] {
  const holders = new Set(hands.values());
  const free = staff.filter((person) => person.roles.includes('clinician') && !holders.has(person.id));
  return free
    .map((person) => ({ person, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, LATE_SHIFT)
    .map(({ person }) => person);
}

/** People who take a tablet one after the other, as the cart lights its slots; asked at every step. */
export interface Hands {
  /** True while somebody stands at the cart. */
  step(realMs: number): boolean;
}

export function takeTablets({ cart, happenings, tap }: HandsDeps, people: readonly Staff[]): Hands {
  const waiting = [...people];
  let atCart: { readonly person: Staff; readonly sinceMs: number } | undefined;
  const lit = (): number | undefined => [...cart.slots.values()].find((slot) => slot.light === 'take' && slot.serial !== null)?.slot;
  const dark = (): boolean => [...cart.slots.values()].every((slot) => slot.light !== 'take');

  function pull(slot: number, person: Staff): void {
    const pulled = cart.undock(slot, person.id);
    if (pulled.ok) happenings.say('pull', `${person.short} pulled ${happenings.tablet(pulled.serial)} out of slot ${slot}`);
  }

  return {
    step(realMs) {
      if (atCart) {
        const slot = lit();
        if (slot !== undefined) pull(slot, atCart.person);
        if (slot !== undefined || realMs - atCart.sinceMs > PATIENCE_MS) atCart = undefined;
        return true;
      }
      // The light of whoever was before goes out first, or it would be taken for one's own.
      if (!dark()) return true;
      const person = waiting.shift();
      if (!person) return false;
      tap(person);
      happenings.say('tap', `${person.short} tapped a card`);
      atCart = { person, sinceMs: realMs };
      return true;
    },
  };
}
