import type { Tablet } from '../../../app/simulator/world/tablet.ts';
import type { CartHost } from '../cart-host.ts';

/** `dead`: neither power nor data. `no-data`: a bad cable; it charges and tells no serial. */
export type PortFault = 'none' | 'dead' | 'no-data';

interface Port {
  fault: PortFault;
  powered: boolean;
  serial: string | undefined;
  /** What the host was last told of it. */
  told: string;
}

/** What really stands in the slots, and what USB lets the host see of it. */
export interface NightSlots {
  inSlot(slot: number): Tablet | undefined;
  slotOf(serial: string): number | undefined;
  freeSlots(): readonly number[];
  /** Whether this tablet answers with its serial now. */
  isSeen(serial: string): boolean;
  isUnreadable(slot: number): boolean;
  isPowered(slot: number): boolean;
  put(slot: number, serial: string): void;
  take(slot: number): string;
  breakPort(slot: number, fault: PortFault): void;
  /** Carries out what the station asked of the ports' power; the slots concerned. */
  obey(): readonly number[];
  anyWithoutPower(): boolean;
  /** Tells the host what has changed on the bus; `charges`: of every tablet how full it is. */
  show(charges?: boolean): boolean;
  charge(elapsedMs: number, mainsOn: boolean): void;
}

const CHARGE_PER_HOUR = 30;

export function nightSlots(host: CartHost, tablets: ReadonlyMap<string, Tablet>, count: number): NightSlots {
  const ports = new Map<number, Port>(Array.from({ length: count }, (_, n) => [n + 1, { fault: 'none', powered: true, serial: undefined, told: 'empty' }]));
  let obeyed = 0;
  const port = (slot: number): Port => {
    const found = ports.get(slot);
    if (!found) throw new Error(`the cart has no slot ${slot}`);
    return found;
  };
  const tabletIn = (slot: number): Tablet | undefined => tablets.get(port(slot).serial ?? '');
  const seen = (slot: number): 'empty' | 'unreadable' | Tablet => {
    const { fault, powered } = port(slot);
    const tablet = tabletIn(slot);
    if (!tablet || !powered || fault === 'dead' || tablet.rebooting) return 'empty';
    return fault === 'no-data' ? 'unreadable' : tablet;
  };
  const slotOf = (serial: string): number | undefined => [...ports].find(([, each]) => each.serial === serial)?.[0];
  return {
    inSlot: tabletIn,
    slotOf,
    freeSlots: () => [...ports].flatMap(([slot, { serial, fault }]) => (serial === undefined && fault === 'none' ? [slot] : [])),
    isSeen: (serial) => {
      const slot = slotOf(serial);
      return slot !== undefined && typeof seen(slot) === 'object';
    },
    isUnreadable: (slot) => seen(slot) === 'unreadable',
    isPowered: (slot) => port(slot).powered,
    put: (slot, serial) => {
      port(slot).serial = serial;
    },
    take: (slot) => {
      const { serial } = port(slot);
      if (serial === undefined) throw new Error(`nothing stands in slot ${slot}`);
      port(slot).serial = undefined;
      return serial;
    },
    breakPort: (slot, fault) => {
      port(slot).fault = fault;
    },
    obey: () => {
      const news = host.asked.slice(obeyed);
      obeyed = host.asked.length;
      return news.flatMap((command) => {
        if (command.command !== 'port-power') return [];
        port(command.slot).powered = command.on;
        return [command.slot];
      });
    },
    anyWithoutPower: () => [...ports.values()].some(({ powered }) => !powered),
    show: (charges = false) => {
      let changed = false;
      for (const [slot, each] of ports) {
        const what = seen(slot);
        const told = typeof what === 'string' ? what : what.serial;
        if (told === each.told && !(charges && typeof what === 'object')) continue;
        each.told = told;
        changed = true;
        if (what === 'empty') host.take(slot);
        else if (what === 'unreadable') host.put(slot, undefined);
        else host.put(slot, what.serial, Math.floor(what.charge));
      }
      return changed;
    },
    charge: (elapsedMs, mainsOn) => {
      for (const [slot, { fault, powered }] of ports) {
        const tablet = tabletIn(slot);
        if (tablet && mainsOn && powered && fault !== 'dead') tablet.charge = Math.min(100, tablet.charge + (CHARGE_PER_HOUR * elapsedMs) / 3_600_000);
      }
    },
  };
}
