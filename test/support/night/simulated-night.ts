import type { MorningPage } from '../../../app/contract/night.ts';
import type { Rules } from '../../../app/contract/policy-bundle.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import type { MdmPace } from '../../../app/simulator/world/mdm-records.ts';
import { between, seededRandom } from '../../../app/simulator/world/random.ts';
import { use } from '../../../app/simulator/world/tablet.ts';
import { NIGHT } from '../night-rules.ts';
import { PEOPLE, person } from '../ward-policy.ts';
import { RULES } from '../ward-rules.ts';
import { EVENING_MS, SHIFT_MS, SLOTS, tellStory, type Happening, type Story } from './night-story.ts';
import { nightWorld, type NightWorld, type OutOfSight, type Witnessed } from './night-world.ts';

export const WIPES_AT_ONCE = 6;
export const OVERNIGHT: NonNullable<Rules['overnight']> = {
  ...NIGHT,
  needs: [{ ward: '7e', count: 3, due: '06:00' }, { ward: '7e', count: 11, due: '07:00' }, { ward: '8w', count: 7, due: '07:00' }],
  limits: { watts: 700, megabytesPerSecond: 40, tabletMegabytesPerSecond: 5, wipes: WIPES_AT_ONCE, updates: 2 },
};
export const PACE: MdmPace = { deliver: [2_000, 20_000], erase: [90_000, 240_000], enrol: [40_000, 150_000], report: [15_000, 60_000], settle: 60_000, replay: 120_000, reportEvery: 3_600_000 };
/** The station's own tick is shorter; nothing in a night hangs on less. */
const STEP_MS = 120_000;
/** Every step costs the station a plan of the night. */
export const TOGETHER_MS = 30_000;

const LAST_MS = 1_000;

export interface Truth {
  readonly wrong: readonly string[];
  readonly fineForMs: number;
  readonly slot: number | undefined;
  readonly seen: boolean;
  readonly charge: number;
  readonly ward: string;
}

/** A command to wipe that the MDM was given, with the request in its reason, and whether the tablet got it. */
export interface WipeCommand {
  readonly request: string;
  readonly serial: string;
  readonly reached: boolean;
}

export interface PlayedNight {
  readonly story: Story;
  readonly entries: readonly RecordedEntry[];
  readonly root: string;
  readonly witnessed: readonly Witnessed[];
  /** As the page shows it at the moment of the shift. */
  readonly sheet: MorningPage | undefined;
  /** The tablets at that moment. */
  readonly truth: ReadonlyMap<string, Truth>;
  /** Slots in which something stood then that told no serial. */
  readonly unreadable: readonly number[];
  /** Slots whose port was switched off a moment before, when no attempt was to be begun any more. */
  readonly withoutPower: readonly number[];
  readonly commands: readonly WipeCommand[];
  readonly erased: ReadonlyMap<string, number>;
  readonly outOfSight: readonly OutOfSight[];
  readonly happened: ReadonlyMap<string, number>;
}

/** Plays one night and says what became of it; the judge is elsewhere. */
export async function playNight(seed: number): Promise<PlayedNight> {
  const story = tellStory(seed);
  const random = seededRandom(seed + 0x5eed);
  const restarting = new Set(story.cast.flatMap(({ device, passing }) => (passing === 'restarts-again' ? [device.serial] : [])));
  const world = await nightWorld({
    startMs: EVENING_MS,
    slots: SLOTS,
    random,
    pace: PACE,
    devices: story.cast,
    stepMs: STEP_MS,
    togetherMs: TOGETHER_MS,
    enrolled: (tablet) => {
      if (restarting.delete(tablet.serial)) world.at(between(random, 1_000, 120_000), () => (tablet.rebooting ? undefined : world.restart(tablet, between(random, 40_000, 90_000))));
    },
  });
  try {
    return await play(story, random, world);
  } finally {
    await world.close();
  }
}

async function play(story: Story, random: () => number, world: NightWorld): Promise<PlayedNight> {
  const { cart, slots, mdm, tablets, witnessed } = world;
  const { clock } = cart;
  const happened = new Map<string, number>();
  const note = (what: string): void => void happened.set(what, (happened.get(what) ?? 0) + 1);
  const pending: Happening[] = [...story.happenings];
  let cutsBegun = 0;

  const putBack = (serial: string, preferred?: number): void => {
    const free = slots.freeSlots();
    const slot = preferred !== undefined && free.includes(preferred) ? preferred : free[Math.floor(random() * free.length)];
    if (slot === undefined) return world.at(60_000, () => putBack(serial));
    world.put(serial, slot);
  };
  const docked = (pick: number): number | undefined => {
    const taken = Array.from({ length: SLOTS }, (_, n) => n + 1).filter((slot) => slots.inSlot(slot));
    return taken[pick % Math.max(1, taken.length)];
  };
  const happen = async (what: Happening): Promise<void> => {
    switch (what.kind) {
      case 'power-cut':
        if (cart.isOn() && cutsBegun === world.cuts()) {
          cutsBegun += 1;
          world.cutPower(what);
        } else pending.push({ ...what, atMs: clock.trueMs() + 600_000 });
        return;
      case 'network':
        note(what.up ? 'network back' : 'network gone');
        return world.network(what.up);
      case 'charges':
        return world.tellCharges();
      case 'return':
        return putBack(what.serial);
      case 'wakes': {
        const tablet = tablets.get(what.serial);
        if (tablet) tablet.asleep = false;
        return;
      }
      case 'port':
        note(what.fault);
        return world.breakPort(what.serial, what.fault);
      case 'pull-and-put-back': {
        const slot = docked(what.pick);
        if (slot === undefined) return;
        const tablet = world.pull(slot);
        if (tablet.enrolment !== null && !tablet.rebooting) use(tablet, 'somebody');
        world.at(what.awayMs, () => putBack(tablet.serial, slot));
        return note('pulled and put back');
      }
      case 'used-in-the-dark': {
        const slot = docked(what.pick);
        if (cart.isOn() && clock.trueMs() < what.untilMs) return void pending.push({ ...what, atMs: clock.trueMs() + TOGETHER_MS });
        if (cart.isOn() || slot === undefined) return;
        const tablet = world.pull(slot);
        if (tablet.enrolment !== null && !tablet.rebooting) use(tablet, 'somebody in the dark');
        putBack(tablet.serial, what.anySlot ? undefined : slot);
        if (slots.slotOf(tablet.serial) !== slot) note('moved in the dark');
        return note('used in the dark');
      }
      case 'swap': {
        const [slot, other] = [docked(what.pick), docked(what.other)];
        if (slot === undefined || other === undefined || slot === other) return;
        const [first, second] = [world.pull(slot), world.pull(other)];
        world.put(second.serial, slot);
        world.put(first.serial, other);
        return note('swapped');
      }
      case 'tap': {
        if (!cart.isOn()) return;
        const offer = await world.tap(person(what.who).uid);
        note(offer ? 'offered' : 'refused');
        if (!offer || !what.pulls || offer.slot === undefined || !slots.inSlot(offer.slot)) return;
        const tablet = world.pull(offer.slot);
        use(tablet, `nurse ${what.who}`);
        note('taken');
        if (clock.trueMs() + what.backAfterMs < SHIFT_MS) world.at(what.backAfterMs, () => putBack(tablet.serial));
      }
    }
  };

  for (const { fault, serial, times, ms } of story.mischief) mdm.misbehave({ fault, serial, times, ...(ms === undefined ? {} : { ms }) });
  for (const { device, passing } of story.cast) if (passing === 'asleep') Object.assign(tablets.get(device.serial) ?? {}, { asleep: true });
  await world.boot();
  await world.publish(story.cast.map(({ device }) => device), {
    rules: { ...RULES, overnight: OVERNIGHT },
    wards: [{ id: '7e', name: '7 East' }, { id: '8w', name: '8 West' }],
    staff: PEOPLE.map(({ uid: _uid, ...member }, n) => ({ ...member, wards: [n % 2 === 0 ? '7e' : '8w'] })),
  });
  for (let next = takeNext(pending); next; next = takeNext(pending)) {
    await world.passUntil(next.atMs);
    await happen(next);
    await world.settle();
  }
  // The sheet of this instant: what the next news changes is the page's, not the night's.
  await world.passUntil(SHIFT_MS - LAST_MS);
  const every = Array.from({ length: SLOTS }, (_, n) => n + 1);
  const withoutPower = every.filter((slot) => !slots.isPowered(slot));
  clock.forward(LAST_MS);
  await cart.settle();
  happened.set('power-cut', world.cuts());

  const sheet = cart.station().snapshot().morning;
  const truth = new Map(
    story.cast.map(({ device: { serial, ward } }): [string, Truth] => {
      const slot = slots.slotOf(serial);
      return [serial, { wrong: world.wrongIn(slot, serial), fineForMs: world.fineForMs(serial), slot, seen: slots.isSeen(serial), charge: tablets.get(serial)?.charge ?? 0, ward }];
    }),
  );
  const unreadable = every.filter((slot) => slots.isUnreadable(slot));
  for (const { uid } of PEOPLE) {
    clock.forward(1);
    if (await world.tap(uid)) note('offered at the shift');
  }
  return { story, entries: await cart.entries(), root: cart.store().root(), witnessed, sheet, truth, unreadable, withoutPower, commands: commandsOf(world), erased: world.erased, outOfSight: world.outOfSight, happened };
}

function takeNext(pending: Happening[]): Happening | undefined {
  const first = pending.reduce<Happening | undefined>((soonest, each) => (soonest && soonest.atMs <= each.atMs ? soonest : each), undefined);
  if (first) pending.splice(pending.indexOf(first), 1);
  return first;
}

export function commandsOf({ mdm, tablets }: Pick<NightWorld, 'mdm' | 'tablets'>): readonly WipeCommand[] {
  return mdm.state.operations.flatMap(({ type, reason, device, name }) => {
    const serial = mdm.state.records.find((record) => record.name === device)?.tablet ?? '';
    // Over HTTP the request stands behind the product's name.
    return type === 'WIPE' ? [{ request: reason.split(' ').at(-1) ?? '', serial, reached: tablets.get(serial)?.delivered.has(name) ?? false }] : [];
  });
}
