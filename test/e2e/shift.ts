import ward from '../../resources/demo/ward.json' with { type: 'json' };
import type { KioskMessage, Snapshot } from '../../app/contract/kiosk.ts';
import type { WorldView } from '../../app/simulator/world-view.ts';
import { eventually, type KioskWire, type SimulatorClient } from '../support/running-dockward.ts';
import { tabletIn, type OfferWatch } from './offer-watch.ts';

/** Mulberry32: a small seeded generator, numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PATIENCE_MS = 2_500;
const TAKERS = ward.staff.filter(({ roles }) => roles.includes('clinician'));

export interface ShiftParts {
  readonly simulator: SimulatorClient;
  readonly kiosk: KioskWire;
  readonly offers: OfferWatch;
  readonly random: () => number;
  /** True once the product has been killed: whatever fails then is the kill's doing. */
  readonly over: () => boolean;
}

/** Nurses who tap, take, return, forget and pull the wrong one, until the shift is over. */
export async function workShift(parts: ShiftParts): Promise<void> {
  while (!parts.over()) {
    try {
      await step(parts);
    } catch (error) {
      if (!parts.over()) throw error;
    }
  }
}

async function step(parts: ShiftParts): Promise<void> {
  const { simulator, random } = parts;
  const world = await simulator.world();
  const inHands = world.tablets.filter(({ slot }) => slot === null);
  const dice = random();
  if (inHands.length > 0 && (dice < 0.35 || inHands.length > 5)) return bringBack(parts, world, pick(random, inHands).serial);
  if (dice < 0.42) return pull(parts, pick(random, world.tablets.flatMap(({ slot }) => (slot === null ? [] : [slot]))));
  // Most of all while nothing watches: that is when the cart has only the bus's own word for it.
  if (dice < (world.deviceHost.connected ? 0.43 : 0.6)) return borrow(parts, pick(random, world.tablets.flatMap(({ serial, slot }) => (slot === null ? [] : [{ serial, slot }]))));
  if (dice < 0.48) return void (await simulator.post('network', { up: !world.network.up }));
  return take(parts);
}

async function take(parts: ShiftParts): Promise<void> {
  const { simulator, kiosk, offers, random } = parts;
  const person = pick(random, TAKERS);
  await simulator.post('tap', { staff: person.id });
  const first = await said(parts, ({ kind, ...message }) => kind === 'refusal' || ('name' in message && message.name === person.short && (kind === 'pin' || kind === 'take')));
  if (first?.kind === 'pin') kiosk.send({ command: 'enter-pin', session: first.session, pin: random() < 0.05 ? '000000' : person.pin });
  const offered = first?.kind === 'take' ? first : await said(parts, (message) => message.kind === 'take' && message.name === person.short);
  if (offered?.kind !== 'take') return;
  await offers.checked(offered.session);
  const dice = random();
  if (dice < 0.8) return pull(parts, offered.slot);
  if (dice < 0.9) return pull(parts, pick(random, (await simulator.world()).tablets.flatMap(({ slot }) => (slot === null ? [] : [slot]))));
}

/** The truth about a tablet is written down before it is used: an offer of it may still be on its way to the screen. */
async function pull({ simulator, offers }: ShiftParts, slot: number): Promise<void> {
  await offers.settled();
  const tablet = tabletIn(await simulator.world(), slot);
  if (tablet === undefined) return;
  offers.pulling(tablet);
  await simulator.post('undock', { slot });
}

/** Out, used and back in the same slot at once, whether or not anything watches at that moment. */
async function borrow(parts: ShiftParts, { serial, slot }: { readonly serial: string; readonly slot: number }): Promise<void> {
  await pull(parts, slot);
  await parts.simulator.post('dock', { serial, slot });
}

async function bringBack({ simulator, offers, random }: ShiftParts, world: WorldView, serial: string): Promise<void> {
  await offers.settled();
  const free = world.slots.filter((slot) => slot.serial === null && slot.fault === 'none').map(({ slot }) => slot);
  if (free.length > 0) await simulator.post('dock', { serial, slot: pick(random, free) });
}

/** What the kiosk says within a nurse's patience, or nothing; a product that was killed says no more. */
async function said({ kiosk, over }: ShiftParts, wanted: (message: KioskMessage) => boolean): Promise<KioskMessage | undefined> {
  const end = performance.now() + PATIENCE_MS;
  return eventually('a word of the kiosk', () => {
    const message = kiosk.latest()?.message;
    if (message && wanted(message)) return { message };
    return over() || performance.now() > end ? { message: undefined } : undefined;
  }).then(({ message }) => message);
}

function pick<T>(random: () => number, from: readonly T[]): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

/** Each thing that the page was shown once, in the order in which it was shown. */
export interface Shown {
  note(snapshot: Snapshot): void;
  readonly messages: ReadonlyMap<string, KioskMessage>;
}

export function rememberShown(): Shown {
  const messages = new Map<string, KioskMessage>();
  return {
    messages,
    note: ({ message }) => {
      const { kind } = message;
      if (kind === 'take') messages.set(`take ${message.session}`, message);
      else if (kind === 'taken' || kind === 'returned' || kind === 'unidentified' || kind === 'wrong-slot') messages.set(`${kind} ${'slot' in message ? message.slot : message.pulled} ${message.untilMs}`, message);
    },
  };
}
