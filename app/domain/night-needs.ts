/** A need as the rules or a ledger name it: `cart` as carts are named within their ward. Without one it is the ward's. */
interface NamedNeed {
  readonly ward: string;
  readonly cart?: string | undefined;
}

/** What the cart at this place prepares: the needs that name it, and those that name none. It knows of no other cart, so it takes these whole. */
export function needsOfCart<T extends NamedNeed>(needs: readonly T[], place: Required<NamedNeed>): T[] {
  return needs.filter(({ ward, cart }) => cart === undefined || (ward === place.ward && cart === place.cart));
}

/** What one cart was asked for of a ward's tablets, as the largest need that names it (`own`) and that names none (`shared`), and how many it `has`. */
export interface CartShare {
  readonly cart: string;
  readonly own: number;
  readonly shared: number;
  readonly has: number;
}

/** The largest of a ward's needs that name a cart and of those that do not: counts of one ward do not add up (`MorningNeed`). */
export function largestNeeds(needs: readonly (NamedNeed & { readonly count: number })[], id: string): Pick<CartShare, 'own' | 'shared'> {
  const largest = (named: boolean): number => needs.reduce((most, { ward, cart, count }) => (ward === id && (cart !== undefined) === named ? Math.max(most, count) : most), 0);
  return { own: largest(true), shared: largest(false) };
}

/**
 * A ward's needs over its carts, each once: one that names a cart is met by that cart alone, one that names none by all of them together,
 * with the same tablets. `shortBy`: with so many more, in the carts that lack them, every need would be met.
 */
export function wardNeed(carts: readonly CartShare[]): { readonly needed: number; readonly shortBy: number } {
  const named = [...new Set(carts.map(({ cart }) => cart))].map((name) => {
    const called = carts.filter(({ cart }) => cart === name);
    return { own: Math.max(...called.map(({ own }) => own)), has: sum(called.map(({ has }) => has)) };
  });
  const shared = Math.max(0, ...carts.map((cart) => cart.shared));
  return {
    needed: Math.max(shared, sum(named.map(({ own }) => own))),
    shortBy: Math.max(0, shared - sum(carts.map(({ has }) => has)), sum(named.map(({ own, has }) => Math.max(0, own - has)))),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
