import type { PcscTestbed } from '../pcsc/testbed.ts';
import type { Delivered } from './delivered.ts';
import type { News } from './news.ts';
import type { PhysicalCart } from './physical-cart.ts';
import type { SlotAccount } from './slot-account.ts';
import { SLOTS } from './soaked-cart.ts';
import type { TapAccount } from './tap-account.ts';
import type { WatchedStation } from './watched-station.ts';

/** Facts of tablets are read by a server that finds them one by one, and again after five seconds where one did not answer. */
const WHOLE_DEADLINE_MS = 60_000;
const BALANCE_DEADLINE_MS = 5_000;

export interface Whole {
  readonly testbed: PcscTestbed;
  readonly physical: PhysicalCart;
  readonly delivered: Delivered;
  readonly slots: SlotAccount;
  readonly taps: TapAccount;
  readonly news: News;
  readonly cart: WatchedStation;
}

/** Between two rounds, when nobody touches the cart: it must show all that is, and its ledger hold all that was. */
export function createWholeness({ testbed, physical, delivered, slots, taps, news, cart }: Whole): { prove(wrong: (what: string) => void): Promise<void> } {
  /** What differs between the world and what the station shows of it, in words. */
  function differences(): readonly string[] {
    const life = delivered.life();
    const shown = cart.state();
    const custodies = new Map(shown.custody.map(({ serial, custody }) => [serial, custody]));
    const lines: string[] = [];
    if (life?.readers.size !== testbed.readers.length) lines.push(`${life?.readers.size ?? 0} of ${testbed.readers.length} readers`);
    if (shown.degraded.length > 0) lines.push(`degraded: ${shown.degraded.join(', ')}`);
    const inSlot = new Map([...physical.at].map(([serial, slot]) => [slot, serial]));
    for (const slot of SLOTS) {
      const look = shown.slots.find((view) => view.slot === slot)?.look;
      if ((look === 'empty') !== !inSlot.has(slot)) lines.push(`slot ${slot} holds ${inSlot.get(slot) ?? 'nothing'} and is shown as ${look ?? 'nothing'}`);
    }
    for (const [serial, { battery }] of physical.tablets) {
      const [slot, custody] = [physical.at.get(serial), custodies.get(serial)];
      if (slots.at.get(serial) !== slot) lines.push(`${serial} stands in slot ${slot ?? 'none'} and is told in ${slots.at.get(serial) ?? 'none'}`);
      if (custody?.kind !== 'cart' || custody.slot !== slot) lines.push(`${serial} stands in slot ${slot ?? 'none'}; the ledger says ${JSON.stringify(custody)}`);
      const facts = life?.tablets.get(serial);
      if (facts?.standing !== 'read' || facts.batteryPercent !== battery.level) lines.push(`${serial}, at ${battery.level} %, is told as ${JSON.stringify(facts)}`);
    }
    if (shown.ready !== physical.at.size) lines.push(`${shown.ready} of ${physical.at.size} ready: ${shown.slots.flatMap(({ slot, reason }) => (reason === undefined ? [] : [`${slot} ${reason}`])).join(', ')}`);
    return lines;
  }

  async function reached(what: string, left: () => readonly string[], deadlineMs: number, wrong: (what: string) => void): Promise<void> {
    await news.until(what, () => left().length === 0, deadlineMs).catch(() => {
      for (const line of left()) wrong(`${what}, ${deadlineMs / 1_000} s after the last hand and the last misfortune: ${line}`);
    });
  }

  return {
    async prove(wrong) {
      await reached('the cart is not whole', differences, WHOLE_DEADLINE_MS, wrong);
      await cart.ask({ ask: 'settle' });
      // What dies before its next word would have been silent for all that time.
      const nowMs = await cart.ask({ ask: 'pass-refusal-window' });
      await news.until('a word of the device host', () => (delivered.life()?.heardMs ?? 0) >= nowMs);
      await reached('the books do not balance', taps.missing, BALANCE_DEADLINE_MS, wrong);
      await cart.ask({ ask: 'settle' });
      taps.settle();
      slots.settle();
    },
  };
}
