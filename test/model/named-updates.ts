import type { Tablet } from '../../app/simulator/world/tablet.ts';
import { outcomeOf } from './random-updates.ts';
import type { Statement, WardWorld } from './ward-terms.ts';

/** Longer than the gap that the rules take for nothing, and shorter than a restart. */
const BRIEFLY_MS = 300_000;
const OVERDUE_MS = 130_000;
const TOO_LONG_MS = 901_000;

interface NamedUpdate {
  readonly misfortune: string;
  readonly run: (world: WardWorld) => void;
  /** No update is open when it is over. */
  readonly isOver?: boolean;
}

/** Misfortunes around an update of the tablet in slot 1. In each of them one check of the product is the only one, or the last, that keeps the promise. */
export const NAMED_UPDATES: readonly NamedUpdate[] = [
  {
    misfortune: 'the ward asks for neither profile nor posture, and somebody taps in the middle of the update',
    run: (world) => {
      world.setRules({ mandatoryLeaves: ['standing', 'serial-in-slot', 'no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear'] });
      begun(world);
    },
  },
  {
    misfortune: 'the order is out and never ends, and the cart gives it up before the server has taken it back',
    run: (world) => {
      neverEnding(world);
      world.advance(OVERDUE_MS);
      world.pursue();
    },
  },
  {
    misfortune: 'what was stated of it before the update arrives in the middle of it, and the cart then gives it up',
    run: (world) => {
      neverEnding(world);
      world.outbox.push(...passing(world));
      world.deliverAll();
      world.advance(OVERDUE_MS);
      world.pursue();
    },
  },
  {
    misfortune: 'somebody had it during an update that came to nothing, and the next badge is quicker than the cart',
    run: (world) => {
      neverEnding(world);
      usedFor(world, BRIEFLY_MS, 1);
      world.pursue();
      serverHears(world);
    },
  },
  {
    misfortune: 'somebody had it during an update that came to nothing: it is wiped, and out again',
    run: (world) => {
      neverEnding(world);
      usedFor(world, BRIEFLY_MS, 1);
      world.pursue();
      world.pursue();
      serverHears(world);
    },
  },
  {
    misfortune: 'it comes back from its update into another slot',
    run: (world) => {
      begun(world);
      usedFor(world, BRIEFLY_MS, 2);
      itsEnd(world);
    },
  },
  {
    misfortune: 'it comes back from its update too late for a restart, and nobody has noticed yet',
    run: (world) => {
      begun(world);
      usedFor(world, TOO_LONG_MS, 1);
      itsEnd(world);
    },
  },
  {
    misfortune: 'somebody took it while the host was down, and has just not put it back when the cart sees again',
    run: (world) => {
      begun(world);
      world.hostDown();
      world.pull(1);
      world.advance(BRIEFLY_MS);
      world.useInHand(first(world).serial);
      world.hostUp();
      world.dock(first(world).serial, 1);
      itsEnd(world);
    },
  },
  {
    misfortune: 'its update is over, and somebody takes it and puts it back before a restart would be over',
    run: (world) => {
      begun(world);
      itsEnd(world);
      usedFor(world, BRIEFLY_MS, 1);
    },
  },
  {
    misfortune: 'outcomes of another tenant, another station, another request and under another nonce arrive in the middle of it',
    run: (world) => {
      begun(world);
      for (const [forged, change] of [['wrong-tenant', { tenant: 'other' }], ['wrong-station', { station: 'cart-b' }], ['wrong-request', { request: 'id-0' }], ['wrong-nonce', { nonce: '0' }]] as const) {
        const outcome = wentWell(world);
        world.outbox.push({ ...outcome, forged, claims: { ...outcome.claims, ...change } });
        world.deliverAll();
      }
    },
  },
  {
    misfortune: 'the cart has given it up after somebody had it, and now the server says that it went well',
    run: (world) => {
      begun(world);
      usedFor(world, BRIEFLY_MS, 1);
      world.pursue();
      world.outbox.push(wentWell(world), ...passing(world));
      world.deliverAll();
    },
  },
  {
    misfortune: 'the server gives the wipe before it up while the update is open',
    run: (world) => {
      begun(world);
      const { serial } = first(world);
      const request = world.device(serial)?.request;
      world.outbox.push({ claims: { tenant: 'demo', station: 'cart-a', serial, request: request?.request ?? '', nonce: request?.nonce ?? '' }, facts: { kind: 'sanitization-failed', failure: 'enrolment-reused' }, issuedAtMs: world.nowMs() });
      world.deliverAll();
      world.advance(61_000);
      world.pursue();
    },
  },
  {
    misfortune: 'somebody is offered the tablet as the night falls',
    run: (world) => {
      world.updateWaits(first(world).serial);
      world.settle();
      world.tap('the quicker one');
      world.nightFalls();
      world.pursue();
      world.pull(1);
    },
  },
  {
    misfortune: 'nobody watched the cart for a while during its update, and then somebody takes it: that is no restart',
    run: (world) => {
      begun(world);
      world.hostDown();
      world.advance(60_000);
      world.hostUp();
      usedFor(world, BRIEFLY_MS, 1);
    },
  },
  {
    misfortune: 'the next night falls as it comes back from an update that was given up',
    run: (world) => {
      neverEnding(world);
      world.pull(1);
      world.advance(BRIEFLY_MS);
      world.pursue();
      world.useInHand(first(world).serial);
      serverHears(world);
      world.dock(first(world).serial, 1);
      world.outbox.push(...passing(world));
      world.deliverAll();
      world.nightFalls();
      world.pursue();
    },
  },
  {
    misfortune: 'somebody had it too long, and the cart’s program was down when they put it back',
    run: (world) => {
      begun(world);
      world.pull(1);
      world.stationDown();
      world.advance(TOO_LONG_MS);
      world.useInHand(first(world).serial);
      world.dock(first(world).serial, 1);
      world.stationUp(true);
      itsEnd(world);
    },
  },
  {
    misfortune: 'nobody watched the cart for a while during its update: the wipe that it needs does not wait for the update',
    isOver: true,
    run: (world) => {
      neverEnding(world);
      world.hostDown();
      world.advance(60_000);
      world.hostUp();
      world.pursue();
    },
  },
  {
    misfortune: 'it is reported lost during its update',
    isOver: true,
    run: (world) => {
      neverEnding(world);
      world.setStanding(first(world).serial, 'lost');
      world.pursue();
      world.setStanding(first(world).serial, 'admitted');
    },
  },
  {
    misfortune: 'night falls, and no newer system waits for it',
    isOver: true,
    run: (world) => {
      world.settle();
      world.nightFalls();
      world.pursue();
    },
  },
  {
    misfortune: 'a newer system waits for it, and it is day',
    isOver: true,
    run: (world) => {
      world.updateWaits(first(world).serial);
      world.settle();
      world.pursue();
    },
  },
  {
    misfortune: 'the outcome is lost for good',
    isOver: true,
    run: (world) => {
      begun(world);
      for (let round = 0; round < 80; round += 1) {
        world.serverLooks();
        world.advance(250);
      }
      while (world.outbox.length > 0) world.lose(0);
      world.advance(OVERDUE_MS);
      world.pursue();
      world.serverRestates();
    },
  },
];

/** What the rule lets pass: an absence in the slot of an open update, no longer than a restart may take, is taken for the restart. */
export function handsQuickerThanARestart(world: WardWorld): void {
  begun(world);
  usedFor(world, BRIEFLY_MS, 1);
  itsEnd(world);
}

function first(world: WardWorld): Tablet {
  const [tablet] = world.tablets;
  if (!tablet) throw new Error('the world has no tablet');
  return tablet;
}

/** Proven, a newer system waits for it, the night has fallen and the cart has asked. */
function begun(world: WardWorld): void {
  world.updateWaits(first(world).serial);
  world.settle();
  world.nightFalls();
  world.pursue();
  if (world.openUpdate(first(world).serial) === undefined) throw new Error('the cart asked for no update');
}

/** The same, and the tablet has the order and never carries it out. */
function neverEnding(world: WardWorld): void {
  world.mdm.misbehave({ fault: 'update-never-ends', serial: first(world).serial });
  begun(world);
  world.serverLooks();
  world.advance(5_000);
}

/** Somebody pulls it, uses it and puts it into `slot`. */
function usedFor(world: WardWorld, ms: number, slot: number): void {
  world.pull(1);
  world.advance(ms);
  world.useInHand(first(world).serial);
  world.dock(first(world).serial, slot);
}

/** The server hears what the ledger says, takes the order back and tells it all anew. */
function serverHears(world: WardWorld): void {
  for (let round = 0; round < 12; round += 1) {
    world.serverLooks();
    world.deliverAll();
    world.advance(250);
  }
}

/** The server has the update carried out, and its end arrives. */
function itsEnd(world: WardWorld): void {
  for (let round = 0; round < 80; round += 1) {
    world.serverLooks();
    world.deliverAll();
    world.advance(250);
  }
}

function wentWell(world: WardWorld): Statement {
  const { serial } = first(world);
  return outcomeOf(serial, world.device(serial)?.update ?? { request: '', nonce: '' }, world.nowMs());
}

/** What was last stated of the profile and the posture, as if it had only now arrived. */
const passing = (world: WardWorld): readonly Statement[] => world.arrived.filter(({ facts: { kind } }) => kind === 'profile-present' || kind === 'posture').slice(-2);
