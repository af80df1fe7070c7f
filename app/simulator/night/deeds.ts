import type { Happenings } from '../happenings.ts';
import { MISCHIEF } from '../mischief-words.ts';
import type { Cart } from '../world/cart.ts';
import { between } from '../world/random.ts';
import type { Deed } from './script.ts';
import { standingOf, type TabletStanding } from './truth.ts';

const HANG_FIRST: readonly TabletStanding[] = ['owed', 'out', 'underWay'];

export interface DeedsDeps {
  readonly cart: Cart;
  readonly happenings: Happenings;
  readonly network: { set(wanted: { up: boolean }): void };
  readonly cutPower: () => void;
}

/** Does to the world what the night's script says, and tells it. */
export function createDeeds({ cart, happenings, network, cutPower }: DeedsDeps): (deed: Deed, random: () => number) => void {
  function bringBack(serial: string, random: () => number): void {
    const free = [...cart.slots.values()].filter((slot) => slot.serial === null && slot.fault === 'none');
    const slot = free[between(random, 0, free.length - 1)];
    const holder = cart.hands.get(serial);
    if (slot && cart.dock(serial, slot.slot).ok) happenings.say('dock', `${happenings.person(holder ?? '')} put ${happenings.tablet(serial)} into slot ${slot.slot}`);
  }

  /** Rather one that is still to be wiped; or one that comes back so. */
  function hang(random: () => number): void {
    const all = [...cart.tablets.keys()];
    const left = HANG_FIRST.map((standing) => all.filter((serial) => standingOf(cart, serial) === standing)).find((found) => found.length > 0) ?? [];
    const serial = left[between(random, 0, left.length - 1)];
    if (serial === undefined) return;
    cart.breakTablet(serial, 'asleep');
    happenings.say('break', `${happenings.tablet(serial)} hangs and will never answer again`);
  }

  return (deed, random) => {
    switch (deed.kind) {
      case 'return':
        return bringBack(deed.serial, random);
      case 'hang':
        return hang(random);
      case 'mischief':
        cart.mdm.misbehave({ fault: deed.fault, ...(deed.ms === undefined ? {} : { ms: deed.ms }) });
        return happenings.say('mischief', `MDM mischief is waiting: ${MISCHIEF.find(({ fault }) => fault === deed.fault)?.title ?? deed.fault}`);
      case 'network':
        network.set({ up: deed.up });
        return happenings.say('network', deed.up ? 'The network is back' : 'The network is down');
      case 'power-cut':
        happenings.say('night', 'The power is about to fail');
        return cutPower();
    }
  };
}
