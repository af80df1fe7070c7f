import { onTestFinished } from 'vitest';
import type { MdmPace } from '../../../app/simulator/world/mdm-records.ts';
import { seededRandom } from '../../../app/simulator/world/random.ts';
import type { Tablet } from '../../../app/simulator/world/tablet.ts';
import { person, tablet as described } from '../ward-policy.ts';
import { RULES } from '../ward-rules.ts';
import { exposures, offersAndCertificates, wipes } from './night-judge.ts';
import { nightWorld, type NightWorld } from './night-world.ts';
import { commandsOf } from './simulated-night.ts';
import { wholeServer, type WholeServer } from './whole-server.ts';

const PACE: MdmPace = { deliver: [1_000, 4_000], erase: [20_000, 40_000], enrol: [20_000, 40_000], report: [3_000, 9_000], settle: 60_000, replay: 45_000, reportEvery: 300_000 };
const MINUTE_MS = 60_000;

/** A cart and the real server: two used tablets, T1 in slot 1 and T2 in nobody's hands and no slot. */
export interface Field extends NightWorld {
  readonly server: WholeServer;
  readonly t1: Tablet;
  readonly t2: Tablet;
  /** Time passes, a minute at a time, until this is so; says whether it came to be so. */
  until(fact: () => boolean | Promise<boolean>, limitMinutes: number): Promise<boolean>;
  minutes(count: number): Promise<void>;
  /** So many hours at half an hour a step: for nights in which nothing happens. */
  hours(count: number): Promise<void>;
  /** Second by second, until this is so. */
  moment(fact: () => boolean): Promise<void>;
  /** Whether the next nurse is offered a tablet, which nobody pulls, and if not, why T1 waits. */
  isOffered(): Promise<boolean>;
  whyNot(slot: number): string | undefined;
  /** Requests recorded for this tablet, and the commands that the MDM was given for it. */
  asked(serial: string): Promise<number>;
  commands(serial: string): number;
  /** What the tablets themselves say was wrong: unclean offers and certificates, wipes and exposures without a cause. */
  wrong(): Promise<string[]>;
}

/** `before`: what is wrong with the MDM or the tablet from the start. */
export async function field(before: (world: NightWorld) => void = () => undefined): Promise<Field> {
  const devices = [described('T1'), described('T2')];
  const server = await wholeServer(devices);
  onTestFinished(() => server.close());
  const world = await nightWorld({
    startMs: server.startMs,
    slots: 4,
    random: seededRandom(3),
    pace: PACE,
    devices: devices.map((device, n) => ({ device, charge: 90, ...(n === 0 ? { slot: 1 } : {}) })),
    stepMs: 60_000,
    togetherMs: 2_000,
    identity: server.identity,
    server: server.side,
  });
  onTestFinished(() => world.close());
  const [t1, t2] = [world.tablets.get('T1'), world.tablets.get('T2')];
  if (!t1 || !t2) throw new Error('the cart has no tablets');
  before(world);
  await world.boot();
  await world.publish(devices, { rules: { ...RULES } });
  await world.settle();
  let taps = 0;
  const { cart } = world;
  const minutes = (count: number): Promise<void> => world.passUntil(cart.clock.trueMs() + count * MINUTE_MS);
  return {
    ...world,
    server,
    t1,
    t2,
    minutes,
    hours: async (count) => {
      for (let half = 0; half < 2 * count; half += 1) {
        cart.clock.forward(30 * MINUTE_MS);
        await world.settle();
      }
    },
    moment: async (fact) => {
      for (let seconds = 0; !fact(); seconds += 1) {
        if (seconds > 600) throw new Error('that moment never came');
        await world.passUntil(cart.clock.trueMs() + 1_000);
      }
    },
    until: async (fact, limitMinutes) => {
      for (let spent = 0; spent < limitMinutes; spent += 1) {
        if (await fact()) return true;
        await minutes(1);
      }
      return fact();
    },
    isOffered: async () => (await world.tap(person((taps += 1) % 12).uid)) !== undefined,
    whyNot: (slot) => cart.station().snapshot().slots.find((view) => view.slot === slot)?.reason,
    asked: async (serial) => (await cart.entries()).filter(({ type, device }) => type === 'sanitization-requested' && device === serial).length,
    commands: (serial) => commandsOf(world).filter((command) => command.serial === serial).length,
    wrong: async () => {
      const entries = await cart.entries();
      return [...offersAndCertificates(world), ...wipes({ entries, commands: commandsOf(world), erased: world.erased }), ...exposures({ entries, outOfSight: world.outOfSight })];
    },
  };
}
