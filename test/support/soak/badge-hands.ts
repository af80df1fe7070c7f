import type { PcscTestbed } from '../pcsc/testbed.ts';
import { insertCard, type VirtualCard } from '../pcsc/virtual-card.ts';
import { between } from '../../../app/simulator/world/random.ts';
import type { Delivered } from './delivered.ts';
import type { News } from './news.ts';
import type { Presentation, TapAccount } from './tap-account.ts';
import type { Trouble } from './trouble.ts';

/** A badge that is back sooner has not been away (domain/tap-bounce: 300 ms, by the host's clock). */
const REST_MS = 400;
const FOUND_DEADLINE_MS = 15_000;
const LONGEST_DWELL_MS = 60;
/** Pulled before it has answered its first question. */
const SNATCHED_SHARE = 0.06;
/** Left lying, rather than taken away, when the cart shows no reaction. */
const PATIENT_SHARE = 0.6;

type Slot = PcscTestbed['readers'][number];

/** The badges of the ward and of some strangers: none is ever in two places. */
export interface BadgeBox {
  take(): Promise<string>;
  putBack(uid: string): void;
}

/** A badge on a virtual reader, and in which life of pcscd. */
interface Put {
  readonly card: VirtualCard;
  readonly pcscd: number;
}

export function badgeBox(uids: readonly string[], random: () => number): BadgeBox {
  const free = new Map(uids.map((uid) => [uid, Number.NEGATIVE_INFINITY]));
  const rested = (): readonly string[] => [...free].filter(([, sinceMs]) => performance.now() - sinceMs > REST_MS).map(([uid]) => uid);
  return {
    async take() {
      for (;;) {
        const from = rested();
        const uid = from[Math.floor(random() * from.length)];
        if (uid !== undefined) {
          free.delete(uid);
          return uid;
        }
        await pause(5);
      }
    },
    putBack: (uid) => void free.set(uid, performance.now()),
  };
}

export interface Ward {
  readonly taps: TapAccount;
  readonly delivered: Delivered;
  readonly trouble: Trouble;
  readonly news: News;
  /** Counts the lives of pcscd; the next begins when the one before has ended. */
  readonly pcscd: { life: number };
  readonly wrong: (what: string) => void;
}

/** Holds badges to one reader, one after another, while `goOn`. What the cart owes each of them is checked as it is owed. */
export async function holdBadges({ taps, delivered, trouble, news, pcscd, wrong }: Ward, { name, port }: Slot, badges: BadgeBox, random: () => number, goOn: () => boolean): Promise<void> {
  while (goOn()) {
    const uid = await badges.take();
    if (random() < SNATCHED_SHARE) await snatch(uid);
    else await hold(uid);
    badges.putBack(uid);
  }

  async function hold(uid: string): Promise<void> {
    const disturbed = trouble.watch('readers');
    const lying = taps.present(uid, name);
    let card = await put(lying);
    await shown(`${uid} on ${name} to be told`, () => lying.taps.length > 0 || lying.unreadable.length > leftover(lying) || disturbed());
    if (lying.taps.length === 0 && !disturbed()) wrong(`${uid} lies on ${name} undisturbed, after ${lying.unsure ? 'one that was taken in the dark' : 'none'}, and is unreadable: ${lying.unreadable.join(', ')}`);
    const impatient = trouble.isActive('readers') && random() >= PATIENT_SHARE;
    if (disturbed() && !impatient) card = await lieThrough(lying, card);
    await pause(between(random, 0, LONGEST_DWELL_MS));
    await takeAway(lying, card);
    if (!disturbed()) settle(lying, 'lay', 1);
  }

  /** Gone before it could answer. */
  async function snatch(uid: string): Promise<void> {
    await trouble.calm('readers');
    const disturbed = trouble.watch('readers');
    const lying = taps.present(uid, name);
    const card = await put(lying, { mute: true });
    let asked = false;
    void card?.card.asked.then(() => {
      asked = true;
      news.happened();
    });
    await shown(`${uid} on ${name} to be asked`, () => asked || disturbed());
    await takeAway(lying, card);
    if (!disturbed()) settle(lying, 'was snatched', 0);
  }

  /** What comes exactly once for a badge that nothing disturbed; what is left of one before it that was taken away in the dark may come as well. */
  function settle(lying: Presentation, how: string, owed: 0 | 1): void {
    const { uid, taps: { length: told }, unreadable: { length: unreadable }, removals } = lying;
    const rest = leftover(lying);
    const inOrder = told === owed && unreadable >= 1 - owed && unreadable <= 1 - owed + rest && removals >= 1 && removals <= 1 + rest;
    if (!inOrder) wrong(`${uid} ${how} on ${name} undisturbed and was told as ${told} taps, ${unreadable} unreadable, ${removals} removals`);
  }

  async function takeAway(lying: Presentation, card: Put | undefined): Promise<void> {
    const inTheDark = trouble.watch('readers');
    const before = lying.removals;
    await card?.card.remove();
    await shown(`the removal of ${lying.uid} from ${name} to be told`, () => lying.removals > before || inTheDark());
    await trouble.calm('readers');
    taps.over(lying, inTheDark());
  }

  /** The badge stays where it is until all is well again, and is found then. */
  async function lieThrough(lying: Presentation, before: Put | undefined): Promise<Put | undefined> {
    let card = before;
    for (;;) {
      while (trouble.isActive('readers') || card === undefined) {
        // The virtual reader ended with its pcscd, and with it its field.
        if (card?.pcscd !== pcscd.life) card = await put(lying);
        await pause(2);
      }
      const disturbed = trouble.watch('readers');
      await shown(`${lying.uid}, left lying on ${name}, to be found`, () => lying.taps.some(({ life }) => life === delivered.life()?.number) || disturbed());
      if (!disturbed()) return card;
    }
  }

  /** Nothing while the virtual reader is gone with its pcscd. */
  async function put(lying: Presentation, options: { readonly mute?: boolean } = {}): Promise<Put | undefined> {
    lying.insertion += 1;
    const { life } = pcscd;
    try {
      return { card: await insertCard(port, { uid: lying.uid, ...options }), pcscd: life };
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET')) return undefined;
      throw error;
    }
  }

  async function shown(what: string, look: () => boolean): Promise<void> {
    const paid = trouble.owe();
    await news.until(what, look, FOUND_DEADLINE_MS).catch((error: unknown) => wrong(error instanceof Error ? error.message : String(error)));
    paid();
  }
}

/** Words that may still be of the badge before this one. */
const leftover = ({ unsure }: Presentation): number => (unsure ? 1 : 0);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
