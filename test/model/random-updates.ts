import { between } from '../../app/simulator/world/random.ts';
import type { Tablet } from '../../app/simulator/world/tablet.ts';
import type { Statement, WardWorld } from './ward-terms.ts';
import { skewed } from './ward-world.ts';

/** How many kinds of steps there are that only a night has. */
export const UPDATE_STEPS = 13;

/** One random step around updates: asked for, carried out, failed, forgotten, interrupted by hands and by blindness. */
export function updateStep(world: WardWorld, kind: number): void {
  const { random } = world;
  const tablet = world.tablets[between(random, 0, world.tablets.length - 1)];
  if (!tablet) return;
  switch (kind) {
    case 0:
      world.nightFalls();
      return;
    case 1:
      if (random() < 0.2) world.dayBreaks();
      else world.updateWaits(tablet.serial);
      return;
    case 2:
    case 3:
    case 4:
      goOn(world, between(random, 1, 12));
      return;
    case 5:
    case 6:
      handIn(world, tablet, kind === 6);
      return;
    case 7:
    case 8:
      blindly(world, tablet, kind === 8);
      return;
    case 9:
      world.advance(between(random, 60_000, 2_000_000));
      return;
    case 10: {
      const told = [...world.outbox, ...world.arrived].filter(({ facts: { kind: what } }) => what === 'updated' || what === 'update-failed');
      const again = told[between(random, 0, told.length - 1)];
      if (again) world.outbox.push(again);
      const [forged, change] = FORGED[between(random, 0, FORGED.length - 1)] ?? FORGED[0];
      const update = world.device(tablet.serial)?.update;
      const own = update && outcomeOf(tablet.serial, update, world.nowMs());
      if (own) world.outbox.push({ ...own, forged, claims: { ...own.claims, ...change } });
      // What was stated of it before an update comes again after it.
      if (random() < 0.3) {
        world.outbox.push(...world.arrived.filter(({ claims: { serial }, facts: { kind: what } }) => serial === tablet.serial && (what === 'profile-present' || what === 'posture')).slice(-6));
        if (random() < 0.5) world.deliverAll();
        if (random() < 0.3) world.tap('the one after');
      }
      return;
    }
    case 11:
      withoutTheStation(world, tablet);
      return;
    default:
      world.mdm.misbehave({ fault: random() < 0.5 ? 'update-fails' : 'update-never-ends', serial: tablet.serial });
  }
}

/** Cart, server and MDM work, and most of what is said arrives. */
export function goOn(world: WardWorld, rounds: number): void {
  const { random } = world;
  for (let round = 0; round < rounds; round += 1) {
    world.pursue();
    world.serverLooks();
    if (random() < 0.7) world.deliverAll();
    world.advance(skewed(random, 50, 3_000));
  }
}

type Forged = readonly [NonNullable<Statement['forged']>, Partial<Statement['claims']>];
const FORGED: readonly [Forged, ...Forged[]] = [['wrong-tenant', { tenant: 'other' }], ['wrong-station', { station: 'cart-b' }], ['wrong-request', { request: 'id-0' }], ['wrong-nonce', { nonce: '0' }]];

/** The server says that this update went well. */
export const outcomeOf = (serial: string, { request, nonce }: { readonly request: string; readonly nonce: string }, issuedAtMs: number): Statement => ({
  claims: { tenant: 'demo', station: 'cart-a', serial, request, nonce },
  facts: { kind: 'updated', before: 'a', after: 'b' },
  issuedAtMs,
});

const slotOf = (world: WardWorld, tablet: Tablet): number | undefined => [1, 2, 3].find((slot) => world.inSlot(slot) === tablet);

/** Shorter than anybody notices, within the time of a restart, or longer. */
function awhile(random: () => number): number {
  const kind = random();
  return kind < 0.2 ? between(random, 500, 10_000) : kind < 0.75 ? skewed(random, 10_001, 890_000) : between(random, 890_000, 2_400_000);
}

/** Somebody pulls it, works with it and puts it back; its update may go on meanwhile. */
function handIn(world: WardWorld, tablet: Tablet, goesOn: boolean): void {
  const { random } = world;
  const slot = slotOf(world, tablet);
  if (slot === undefined) return;
  world.pull(slot);
  if (goesOn) goOn(world, between(random, 1, 10));
  world.advance(awhile(random));
  if (random() < 0.85) world.useInHand(tablet.serial);
  if (random() < 0.2) world.advance(awhile(random));
  world.dock(tablet.serial, random() < 0.7 ? slot : between(random, 1, 3));
  if (goesOn) goOn(world, between(random, 1, 10));
}

/** The same while nobody watches the cart, which sees again before it is back, or only afterwards. */
function blindly(world: WardWorld, tablet: Tablet, backFirst: boolean): void {
  const { random } = world;
  const slot = slotOf(world, tablet);
  if (slot === undefined) return;
  world.hostDown();
  if (random() < 0.5) world.advance(skewed(random, 100, 20_000));
  world.pull(slot);
  world.advance(awhile(random));
  if (random() < 0.85) world.useInHand(tablet.serial);
  if (!backFirst) world.hostUp();
  if (random() < 0.5) world.advance(skewed(random, 100, 60_000));
  world.dock(tablet.serial, random() < 0.7 ? slot : between(random, 1, 3));
  world.hostUp();
  if (random() < 0.5) goOn(world, between(random, 1, 10));
}

/** The cart's program dies; the update goes on, and somebody may come and go before it runs again. */
function withoutTheStation(world: WardWorld, tablet: Tablet): void {
  const { random } = world;
  const slot = slotOf(world, tablet);
  if (slot === undefined) return;
  const isPulledFirst = random() < 0.5;
  if (isPulledFirst) world.pull(slot);
  world.stationDown();
  if (random() < 0.5) goOn(world, between(random, 1, 10));
  if (!isPulledFirst && random() < 0.6) world.pull(slot);
  world.advance(awhile(random));
  world.useInHand(tablet.serial);
  const isBackFirst = random() < 0.5;
  if (isBackFirst) world.dock(tablet.serial, random() < 0.8 ? slot : between(random, 1, 3));
  world.stationUp(random() < 0.5);
  if (!isBackFirst && random() < 0.8) world.dock(tablet.serial, random() < 0.8 ? slot : between(random, 1, 3));
}
