import { rules, type Rules } from '../contract/policy-bundle.ts';
import type { Queryable } from './database.ts';
import { StartRefused } from './first-start.ts';

type Need = NonNullable<Rules['overnight']>['needs'][number];

/**
 * Throws `StartRefused` with what to change where rules name a cart for a need that its ward does not have: nobody would prepare it. What the
 * rules in force name is not asked about again, so that a server starts with the directory it has though a cart has been denied since.
 */
export async function refuseUnknownCarts(client: Queryable, wanted: Rules): Promise<void> {
  const needs = wanted.overnight?.needs ?? [];
  if (needs.every(({ cart }) => cart === undefined)) return;
  const tenant = await client.query<{ rules: unknown }>('select rules from tenant');
  const inForce = tenant.rows[0]?.rules == null ? [] : (rules.parse(tenant.rows[0].rules).overnight?.needs ?? []);
  const carts = (await client.query<{ ward: string; cart: string }>('select distinct ward, cart from station where denied_at_ms is null order by cart')).rows;
  const names = ({ ward, cart }: Need) => (one: { readonly ward: string; readonly cart?: string | undefined }) => one.ward === ward && one.cart === cart;
  const missing = needs.find((need) => need.cart !== undefined && !carts.some(names(need)) && !inForce.some(names(need)));
  if (!missing) return;
  const own = carts.flatMap(({ ward, cart }) => (ward === missing.ward ? [`"${cart}"`] : []));
  throw new StartRefused(
    `These rules have a need of ${missing.count} by ${missing.due} for the cart "${missing.cart}" of ward "${missing.ward}", and that ward has no such cart: ${own.length > 0 ? `it has ${own.join(', ')}` : 'none is enrolled there yet'}. Nobody would prepare it, so nothing was changed. Write the cart's name as the fleet page has it under Carts; a new cart is enrolled first and named in a need after that.`,
  );
}
