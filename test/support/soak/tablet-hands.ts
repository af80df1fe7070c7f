import { between } from '../../../app/simulator/world/random.ts';
import type { News } from './news.ts';
import type { PhysicalCart } from './physical-cart.ts';
import type { SlotAccount } from './slot-account.ts';
import { SLOTS } from './soaked-cart.ts';
import type { Trouble } from './trouble.ts';

const TOLD_DEADLINE_MS = 15_000;
const LONGEST_AWAY_MS = 400;
/** Pulled and put back before anything was told of it. */
const QUICK_SHARE = 0.15;
const OTHER_SLOT_SHARE = 0.3;
/** Takes a tablet that somebody has been offered, if there is one. */
const OFFERED_SHARE = 0.5;

export interface Cart {
  readonly physical: PhysicalCart;
  readonly slots: SlotAccount;
  readonly trouble: Trouble;
  readonly news: News;
  /** Serials that somebody is asked to take now. */
  readonly offered: () => readonly string[];
  readonly wrong: (what: string) => void;
}

/** Tablets that are in somebody's hands, and slots that are meant for one. */
export interface Reserved {
  readonly serials: Set<string>;
  readonly slots: Set<number>;
}

/** One person who takes tablets out and puts them back, while `goOn`; `done` after each cycle, with whether the cart could see all of it. In the dark too. */
export async function moveTablets({ physical, slots, trouble, news, offered, wrong }: Cart, reserved: Reserved, random: () => number, goOn: () => boolean, done: (seen: boolean) => void): Promise<void> {
  while (goOn()) {
    const serial = choose();
    if (serial === undefined) {
      await pause(20);
      continue;
    }
    reserved.serials.add(serial);
    const seen = await cycle(serial);
    reserved.serials.delete(serial);
    done(seen);
    // In the dark nothing is waited for.
    if (!seen) await pause(LONGEST_AWAY_MS);
  }

  function choose(): string | undefined {
    const free = [...physical.at.keys()].filter((serial) => !reserved.serials.has(serial));
    const wanted = random() < OFFERED_SHARE ? offered().filter((serial) => free.includes(serial)) : [];
    const from = wanted.length > 0 ? wanted : free;
    return from[Math.floor(random() * from.length)];
  }

  async function cycle(serial: string): Promise<boolean> {
    const from = physical.at.get(serial);
    if (from === undefined) throw new Error(`${serial} is not in the cart`);
    reserved.slots.add(from);
    const unseen = trouble.watch('sight');
    // It may have been docked in the dark, and be told only now.
    await told(`${serial} to be told in slot ${from}`, () => slots.at.get(serial) === from || unseen());
    slots.take(from);
    await physical.undock(serial);
    const quick = random() < QUICK_SHARE;
    if (!quick) {
      await told(`slot ${from} to be told as empty`, () => !slots.at.has(serial) || unseen());
      await pause(between(random, 0, LONGEST_AWAY_MS));
    }
    const to = quick || random() >= OTHER_SLOT_SHARE ? from : freeSlot(from);
    if (to !== from) {
      if (!unseen()) expectTold(from, ['empty']);
      reserved.slots.delete(from);
      reserved.slots.add(to);
      slots.take(to);
    }
    await physical.dock(serial, to);
    const heard: string[] = [];
    await told(`${serial} to be told in slot ${to}`, () => {
      heard.push(...slots.take(to));
      return heard.at(-1) === serial || unseen();
    });
    const expected = [...(to === from ? ['empty'] : []), 'present', serial];
    if (!unseen() && heard.join(' ') !== expected.join(' ')) wrong(`${serial} went from slot ${from} to ${to} in plain sight and was told as "${heard.join(' ')}"`);
    reserved.slots.delete(to);
    return !unseen();
  }

  function expectTold(slot: number, expected: readonly string[]): void {
    const heard = slots.take(slot);
    if (heard.join(' ') !== expected.join(' ')) wrong(`slot ${slot} was told as "${heard.join(' ')}" instead of "${expected.join(' ')}"`);
  }

  function freeSlot(otherwise: number): number {
    const taken = new Set(physical.at.values());
    const free = SLOTS.filter((slot) => !taken.has(slot) && !reserved.slots.has(slot));
    return free[Math.floor(random() * free.length)] ?? otherwise;
  }

  async function told(what: string, look: () => boolean): Promise<void> {
    const paid = trouble.owe();
    await news.until(what, look, TOLD_DEADLINE_MS).catch((error: unknown) => wrong(error instanceof Error ? error.message : String(error)));
    paid();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
