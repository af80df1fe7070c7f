import { seededRandom } from '../../../app/simulator/world/random.ts';
import { PEOPLE } from '../ward-policy.ts';
import { pcscdPid } from '../pcsc/pcscd.ts';
import type { PcscTestbed } from '../pcsc/testbed.ts';
import { badgeBox, holdBadges } from './badge-hands.ts';
import { listenToHosts } from './delivered.ts';
import { measure, type Measured } from './measure.ts';
import { MISFORTUNES, strike, type Misfortune } from './misfortunes.ts';
import { createNews } from './news.ts';
import { physicalCart } from './physical-cart.ts';
import { residentMiB } from './processes.ts';
import { createSlotAccount } from './slot-account.ts';
import { GAP_MAX_MS } from './soaked-cart.ts';
import { moveTablets, type Reserved } from './tablet-hands.ts';
import { createTapAccount } from './tap-account.ts';
import type { SoakPlan } from './testbed.ts';
import { createTrouble } from './trouble.ts';
import { watchedStation } from './watched-station.ts';
import { createWholeness } from './wholeness.ts';

const HANDS = 3;
const STRANGERS = Array.from({ length: 20 }, (_, n) => `04FEED${n.toString(16).toUpperCase().padStart(8, '0')}`);
/** A sanitization takes its time now and then, so that tablets are also pulled during one. */
const SLOW_PROOF_SHARE = 0.25;
const SLOW_PROOF_MS = 1_500;
/** Somebody changes their mind about an offer. */
const CANCEL_SHARE = 0.5;
const CANCEL_AFTER_MS = 400;
/** Two misfortunes at once. */
const PAIR_SHARE = 0.2;
const ENDS_THE_HOST: readonly Misfortune[] = ['host', 'wedge'];
/** A frozen host costs eight seconds, a killed one two. */
const WEIGHTS: Readonly<Record<Misfortune, number>> = { pcscd: 4, adb: 4, host: 4, wedge: 1 };
const BETWEEN_MISFORTUNES_MS = 1_500;
const MOST_WRONGS = 50;

export interface SoakReport {
  readonly wrong: readonly string[];
  readonly taps: ReturnType<typeof createTapAccount>['totals'];
  readonly slots: ReturnType<typeof createSlotAccount>['totals'];
  /** In all, and those that the cart could see from beginning to end. */
  readonly cycles: { readonly done: number; readonly seen: number };
  readonly misfortunes: Readonly<Record<Misfortune, number>>;
  readonly delivered: Readonly<Record<string, number>>;
  readonly entries: number;
  /** After the warm-up; at the beginning of the long life, when the host is as old as that one was; at its end. */
  readonly measured: Readonly<Partial<Record<'warm' | 'young' | 'end', Measured>>>;
}

export async function runSoak(testbed: PcscTestbed, plan: SoakPlan, log: (line: string) => void): Promise<SoakReport> {
  const random = (name: string): (() => number) => seededRandom([...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), plan.seed));
  const wrong: string[] = [];
  const found = (what: string): void => {
    if (wrong.length < MOST_WRONGS) wrong.push(`round ${round}: ${what}`);
    log(`WRONG in round ${round}: ${what}`);
  };
  let round = 0;
  let cursor = 0;
  const news = createNews();
  const trouble = createTrouble(news);
  const delivered = listenToHosts(found);
  const actors = new Map(PEOPLE.map(({ uid, actor }) => [uid, actor]));
  const taps = createTapAccount({ actorOf: (uid) => actors.get(uid), wrong: found });
  const physical = await physicalCart();
  const chance = random('chance');
  const cart = await watchedStation({
    delivered,
    badge: taps.dealtWith,
    told: log,
    entry: (entry) => {
      taps.entry(entry);
      slots.entry(entry);
      if (entry.type === 'sanitization-requested') {
        const { request } = entry.body;
        later(chance() < SLOW_PROOF_SHARE ? SLOW_PROOF_MS * chance() : 0, () => void cart.ask({ ask: 'prove', serial: entry.device ?? '', request, cursor: (cursor += 1) }));
      }
      if (entry.type === 'offered' && chance() < CANCEL_SHARE) {
        const { offer } = entry.body;
        later(CANCEL_AFTER_MS * chance(), () => void cart.ask({ ask: 'cancel', session: offer }));
      }
    },
    changed: news.happened,
  });
  const slots = createSlotAccount({ nowMs: delivered.nowMs, gapMaxMs: GAP_MAX_MS, wrong: found });
  delivered.listen(taps);
  delivered.listen(slots);
  const pcscd = { life: 1 };
  const hosts = { struck: 0 };
  delivered.listen({ closed: ({ number }) => void (number > hosts.struck && found(`device host ${number} has ended, and nobody had touched it`)) });
  const misfortunes: Record<Misfortune, number> = { pcscd: 0, adb: 0, host: 0, wedge: 0 };
  const cycles = { done: 0, seen: 0 };

  const badges = badgeBox([...PEOPLE.map(({ uid }) => uid), ...STRANGERS], random('badges'));
  const reserved: Reserved = { serials: new Set(), slots: new Set() };
  const ward = { taps, delivered, trouble, news, pcscd, wrong: found };
  const offered = (): readonly string[] => cart.state().offers.map(({ serial }) => serial);
  const readers = testbed.readers.map((reader) => ({ reader, random: random(reader.name) }));
  const hands = Array.from({ length: HANDS }, (_, n) => random(`hand ${n}`));
  const fate = { testbed, physical, cart, delivered, trouble, news, pcscd, hosts, random: random('fate') };
  const wholeness = createWholeness({ testbed, physical, delivered, slots, taps, news, cart });

  /** Taps that must leave a trace. */
  const counted = (): number => taps.totals.taps - taps.totals.bounced - taps.totals.overtaken;

  /** So much work at least, and as long as misfortunes go on; then everything must be whole and every book balanced. */
  async function work(tapQuota: number, cycleQuota: number, happenings: () => Promise<void>, atRest = (): Promise<void> => Promise.resolve()): Promise<void> {
    const [tapsBefore, cyclesBefore] = [counted(), cycles.seen];
    let over = false;
    const goOn = (): boolean => !over || counted() - tapsBefore < tapQuota || cycles.seen - cyclesBefore < cycleQuota;
    const working = [
      ...readers.map((each) => holdBadges(ward, each.reader, badges, each.random, goOn)),
      ...hands.map((each) => moveTablets({ physical, slots, trouble, news, offered, wrong: found }, reserved, each, goOn, cycled)),
    ];
    await Promise.all([...working, happenings().finally(() => (over = true))]);
    await atRest();
    await wholeness.prove(found);
  }

  function cycled(seen: boolean): void {
    cycles.done += 1;
    if (seen) cycles.seen += 1;
  }

  /** One of each kind first where they go round; then whatever comes, sometimes two at once. */
  async function sufferFrom(possible: readonly Misfortune[]): Promise<void> {
    const weighted = possible.flatMap((each) => Array.from({ length: WEIGHTS[each] }, () => each));
    const choose = (from: readonly Misfortune[]): Misfortune | undefined => from[Math.floor(fate.random() * from.length)];
    const unknown = plan.misfortunesPerRound < possible.length ? [] : [...possible];
    for (let count = 0; count < plan.misfortunesPerRound; count += 1) {
      await pause(fate.random() * BETWEEN_MISFORTUNES_MS);
      const first = unknown.splice(Math.floor(fate.random() * unknown.length), 1)[0] ?? choose(weighted);
      const second = fate.random() < PAIR_SHARE ? choose(weighted.filter((each) => each !== first && !(first !== undefined && ENDS_THE_HOST.includes(first) && ENDS_THE_HOST.includes(each)))) : undefined;
      await Promise.all([first, second].flatMap((each) => (each === undefined ? [] : [happen(each)])));
    }
  }

  async function happen(each: Misfortune): Promise<void> {
    misfortunes[each] += 1;
    await strike(each, fate);
  }

  const measured: Partial<Record<'warm' | 'young' | 'end', Measured>> = {};
  async function measureNow(moment: keyof typeof measured, { taps: quota, cycles: cycleQuota }: NonNullable<SoakPlan['measuring']>): Promise<void> {
    if (moment !== 'end') await happen('host');
    await work(quota, cycleQuota, () => Promise.resolve());
    measured[moment] = await measure({ stationPid: cart.pid, hostPid: cart.hostPid() ?? 0, pcscdPid: pcscdPid(testbed) });
    log(`${moment}: ${JSON.stringify(measured[moment])}`);
  }

  await cart.ask({ ask: 'start-host', adbPort: physical.adb.port });
  await wholeness.prove(found);
  const { measuring } = plan;
  const startedMs = performance.now();
  for (round = 1; round <= plan.rounds; round += 1) {
    const oldAge = plan.rounds - round < (measuring?.longLifeRounds ?? 0);
    if (measuring && oldAge && measured.young === undefined) await measureNow('young', measuring);
    const possible = MISFORTUNES.filter((each) => each !== 'wedge' || plan.wedges).filter((each) => !(oldAge && ENDS_THE_HOST.includes(each)));
    // Tablets that are moved are read again in any case; those that rest show whether they are.
    await work(plan.tapsPerRound, plan.cyclesPerRound, () => sufferFrom(possible), () => happen('adb'));
    log(`round ${round} of ${plan.rounds}, ${Math.round((performance.now() - startedMs) / 1_000)} s: ${JSON.stringify({ taps: counted(), cycles: cycles.seen, ...misfortunes, entries: cart.heard(), stationMiB: residentMiB(cart.pid) })}`);
    if (measuring && round === measuring.warmUpRounds) await measureNow('warm', measuring);
  }
  if (measuring) await measureNow('end', measuring);
  const entries = cart.heard();
  // The last one ends with the station.
  hosts.struck += 1;
  await cart.ask({ ask: 'stop' });
  await physical.remove();
  return { wrong, taps: taps.totals, slots: slots.totals, cycles, misfortunes, delivered: delivered.counts, entries, measured };
}

function later(ms: number, act: () => void): void {
  setTimeout(act, ms);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
