import { needsOfCart } from '../../domain/night-needs.ts';
import type { Directory, NightRules } from '../directory.ts';
import type { Cart } from '../world/cart.ts';
import { uncleanBecause } from '../world/tablet.ts';
import type { NightView } from './night-view.ts';

export type TabletStanding = keyof NightView['tablets'];

/** Where a tablet truly stands in the night, whatever anybody has proven of it. */
export function standingOf(cart: Cart, serial: string): TabletStanding {
  const tablet = cart.tablets.get(serial);
  const slot = [...cart.slots.values()].find((one) => one.serial === serial);
  if (!tablet || !slot) return 'out';
  if (slot.fault !== 'none') return 'stuck';
  const reasons = uncleanBecause(tablet, cart.mdm);
  if (reasons.length === 0) return 'clean';
  if (tablet.asleep || tablet.charge < 1) return 'stuck';
  return reasons.includes('rebooting') || reasons.includes('command-waiting') || !reasons.includes('residue') ? 'underWay' : 'owed';
}

export function tabletCounts(cart: Cart): NightView['tablets'] {
  const counts: Record<TabletStanding, number> = { clean: 0, underWay: 0, owed: 0, stuck: 0, out: 0 };
  for (const serial of cart.tablets.keys()) counts[standingOf(cart, serial)] += 1;
  return counts;
}

/** Of each need that is this cart's: tablets in it that are clean and charged. */
export function readyByWard(cart: Cart, directory: Directory, rules: NightRules): readonly { readonly ward: string; readonly needed: number; readonly clean: number }[] {
  return needsOfCart(rules.needs, { ward: directory.cart.ward, cart: directory.cart.name }).map(({ ward, count }) => ({
    ward,
    needed: count,
    clean: directory.devices.filter((device) => device.ward === ward && standingOf(cart, device.serial) === 'clean' && (cart.tablets.get(device.serial)?.charge ?? 0) >= directory.rules.batteryFloorPercent).length,
  }));
}
