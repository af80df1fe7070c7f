import type { Misbehaviour } from '../../../app/simulator/world/mdm-records.ts';
import { between, seededRandom } from '../../../app/simulator/world/random.ts';
import type { BundleDevice } from '../../../app/contract/policy-bundle.ts';
import type { CutSide } from './cut-store.ts';
import { tablet } from '../ward-policy.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const SLOTS = 32;
export const EVENING_MS = Date.UTC(2027, 0, 4, 20, 58);
export const SHIFT_MS = Date.UTC(2027, 0, 5, 7);
const MODELS = ['Samsung SM-X306B', 'Samsung SM-X218B', 'Zebra ET40'];

/** What no cart can mend: the tablet, its port or its cable. */
export type HardFault = 'never-enrols' | 'dead-port' | 'bad-cable';
/** What passes, or is got over by trying again. */
export type PassingFault = 'command-lost' | 'command-expired' | 'late-enrolment' | 'throttled' | 'server-error' | 'restarts-again' | 'asleep';

export interface Cast {
  readonly device: BundleDevice;
  readonly charge: number;
  /** Absent: it comes back during the night. */
  readonly slot?: number;
  readonly hard?: HardFault;
  readonly passing?: PassingFault;
}

/** What happens at a moment of the night, apart from what cart, server and MDM do by themselves. */
export type Happening = { readonly atMs: number } & (
  | { readonly kind: 'power-cut'; readonly offMs: number; readonly hostAfterMs: number; readonly writes: number; readonly side: CutSide }
  | { readonly kind: 'network'; readonly up: boolean }
  | { readonly kind: 'tap'; readonly who: number; readonly pulls: boolean; readonly backAfterMs: number }
  | { readonly kind: 'return'; readonly serial: string }
  | { readonly kind: 'pull-and-put-back'; readonly pick: number; readonly awayMs: number }
  /** Somebody takes it while the cart has no power, uses it and puts it back, into any free slot or its own, before anybody looks. */
  | { readonly kind: 'used-in-the-dark'; readonly pick: number; readonly anySlot: boolean; readonly untilMs: number }
  | { readonly kind: 'swap'; readonly pick: number; readonly other: number }
  | { readonly kind: 'port'; readonly serial: string; readonly fault: 'dead' | 'no-data' }
  | { readonly kind: 'wakes'; readonly serial: string }
  | { readonly kind: 'charges' }
);

export interface Story {
  readonly seed: number;
  readonly cast: readonly Cast[];
  readonly mischief: readonly { readonly fault: Misbehaviour; readonly serial: string; readonly times: number; readonly ms?: number }[];
  readonly happenings: readonly Happening[];
}

/** One night of 32 slots: 5 % of the tablets fail for good, 20 % for a while; three power cuts, two hours without network, hands that meddle. */
export function tellStory(seed: number): Story {
  const random = seededRandom(seed);
  const shuffled = <T>(all: readonly T[]): T[] => all.map((each) => ({ each, key: random() })).sort((a, b) => a.key - b.key).map(({ each }) => each);
  const anyOf = <T>(all: readonly [T, ...T[]]): T => all[Math.floor(random() * all.length)] ?? all[0];
  const inTheNight = (fromHours: number, toHours: number): number => EVENING_MS + between(random, Math.floor(fromHours * HOUR_MS), Math.floor(toHours * HOUR_MS));

  const hardCount = Math.round(SLOTS * 0.05);
  const passingCount = Math.round(SLOTS * 0.2);
  const awayCount = 4;
  const order = shuffled(Array.from({ length: SLOTS }, (_, n) => n));
  const slots = shuffled(Array.from({ length: SLOTS }, (_, n) => n + 1));
  const cast = Array.from({ length: SLOTS }, (_, n): Cast => {
    const place = order.indexOf(n);
    const serial = `N${String(n + 1).padStart(2, '0')}`;
    const slot = slots[n];
    const away = place >= SLOTS - awayCount;
    return {
      device: { ...tablet(serial), ward: n % 5 < 3 ? '7e' : '8w', model: MODELS[n % MODELS.length] ?? '' },
      charge: random() < 0.1 ? between(random, 8, 28) : between(random, 40, 95),
      ...(away || slot === undefined ? {} : { slot }),
      ...(place < hardCount ? { hard: anyOf(['never-enrols', 'dead-port', 'bad-cable']) } : {}),
      ...(place >= hardCount && place < hardCount + passingCount ? { passing: anyOf(['command-lost', 'command-expired', 'late-enrolment', 'throttled', 'server-error', 'restarts-again', 'asleep']) } : {}),
    };
  });

  const outageMs = inTheNight(0.2, 4);
  const cuts = Array.from({ length: 3 }, (): Happening => ({ kind: 'power-cut', atMs: inTheNight(0.1, 6), offMs: between(random, 5_000, between(random, 6_000, 20 * MINUTE_MS)), hostAfterMs: between(random, 2_000, 20_000), writes: between(random, 0, 12), side: anyOf(['before', 'after']) }));
  const happenings: Happening[] = [
    ...cuts,
    ...cuts.map((cut): Happening => ({ kind: 'used-in-the-dark', atMs: cut.atMs, untilMs: cut.atMs + 30 * MINUTE_MS, pick: between(random, 0, 31), anySlot: random() < 0.5 })),
    { kind: 'network', atMs: outageMs, up: false },
    { kind: 'network', atMs: outageMs + 2 * HOUR_MS, up: true },
    { kind: 'pull-and-put-back', atMs: inTheNight(0.1, 2), pick: between(random, 0, 31), awayMs: between(random, 2_000, 10 * MINUTE_MS) },
    { kind: 'swap', atMs: inTheNight(0.1, 2), pick: between(random, 0, 31), other: between(random, 0, 31) },
    ...Array.from({ length: 14 }, (): Happening => ({ kind: 'tap', atMs: inTheNight(0, 9.9), who: between(random, 0, 11), pulls: random() < 0.3, backAfterMs: between(random, 5 * MINUTE_MS, 3 * HOUR_MS) })),
    ...Array.from({ length: 20 }, (_, n): Happening => ({ kind: 'charges', atMs: EVENING_MS + n * 30 * MINUTE_MS })),
  ];
  const away = cast.filter(({ slot }) => slot === undefined);
  // The last one comes back too late for anything to be begun.
  for (const [n, { device }] of away.entries()) happenings.push({ kind: 'return', serial: device.serial, atMs: n === 0 ? SHIFT_MS - between(random, 1, 9) * MINUTE_MS : inTheNight(0.2, 8) });
  const mischief: { fault: Misbehaviour; serial: string; times: number; ms?: number }[] = [];
  for (const { device: { serial }, hard, passing } of cast) {
    if (hard === 'dead-port' || hard === 'bad-cable') happenings.push({ kind: 'port', serial, fault: hard === 'dead-port' ? 'dead' : 'no-data', atMs: inTheNight(0.1, 5) });
    if (hard === 'never-enrols') mischief.push({ fault: 'late-enrolment', serial, times: 9, ms: 24 * HOUR_MS });
    if (passing === 'late-enrolment') mischief.push({ fault: 'late-enrolment', serial, times: 1, ms: between(random, 2, 25) * MINUTE_MS });
    if (passing === 'throttled' || passing === 'server-error') mischief.push({ fault: passing, serial, times: between(random, 2, 8) });
    if (passing === 'command-lost' || passing === 'command-expired') mischief.push({ fault: passing, serial, times: passing === 'command-expired' ? between(random, 1, 2) : 1 });
    if (passing === 'asleep') happenings.push({ kind: 'wakes', serial, atMs: inTheNight(0.3, 3) });
  }
  return { seed, cast, mischief, happenings: happenings.sort((a, b) => a.atMs - b.atMs) };
}
