import { MISBEHAVIOURS } from '../../app/simulator/world/mdm-records.ts';
import { between } from '../../app/simulator/world/random.ts';
import type { GateLeaf } from '../../app/domain/release-gate.ts';
import { goOn, UPDATE_STEPS, updateStep } from './random-updates.ts';
import type { Statement, WardWorld } from './ward-terms.ts';
import { createWardWorld, skewed } from './ward-world.ts';

const QUIET_MISBEHAVIOURS = MISBEHAVIOURS.filter((fault) => !['throttled', 'server-error', 'token-rejected', 'lists-twice'].includes(fault));

/** One random history of the ward, of days where the seed is odd and with nights of updates where it is even; `world.unclean` says what went wrong in it. */
export function runHistory(seed: number, leaves?: readonly GateLeaf[]): WardWorld {
  const hasNights = seed % 2 === 0;
  const world = createWardWorld({ seed, ...(hasNights ? { wipesAtOnce: 1 + ((seed >> 1) % 2), updatesAtOnce: 1 + ((seed >> 2) % 2), updateOverdueMs: (seed >> 3) % 2 === 0 ? 120_000 : 1_600_000 } : { wipesAtOnce: 2 }), ...(leaves ? { leaves } : {}) });
  const { random } = world;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const slot = (): number => between(random, 1, 3);
  if (hasNights) {
    for (const { serial } of world.tablets) if (random() < 0.8) world.updateWaits(serial);
    if (random() < 0.8) world.nightFalls();
  }
  if (random() < 0.6) world.settle(15_000);
  const steps = hasNights ? between(random, 10, 28) : between(random, 12, 40);
  for (let step = 0; step < steps; step += 1) {
    const kind = between(random, 0, hasNights ? 26 + UPDATE_STEPS : 26);
    if (kind > 26) {
      updateStep(world, kind - 27);
      continue;
    }
    switch (kind) {
      case 0:
      case 1:
      case 2:
        world.advance(skewed(random, 50, 20_000));
        break;
      case 3:
        world.advance(skewed(random, 1_000, 1_200_000));
        break;
      case 4:
      case 5:
      case 6:
        world.pursue();
        world.serverLooks();
        break;
      case 7:
      case 8:
        world.deliverAll();
        break;
      case 9: {
        const index = between(random, 0, Math.max(0, world.outbox.length - 1));
        world.deliver(index);
        if (random() < 0.5) world.outbox.splice(index, 1);
        break;
      }
      case 10:
        world.pull(slot());
        break;
      case 11:
      case 12: {
        const serial = pick(world.inHand());
        if (serial !== undefined) {
          world.advance(skewed(random, 1_000, 60_000));
          world.useInHand(serial);
          if (random() < 0.7) world.dock(serial, slot());
        }
        break;
      }
      case 13:
      case 14: {
        const offered = world.tap(`person-${between(random, 1, 4)}`);
        if (offered !== undefined && random() < 0.7) world.pull(random() < 0.8 ? offered : slot());
        break;
      }
      case 15:
        if (random() < 0.5) world.hostDown();
        else world.hostUp();
        break;
      case 16:
        world.hostUp();
        world.hubBack();
        world.settle(between(random, 2, 20) * 1_000);
        break;
      case 17: {
        const fault = pick(QUIET_MISBEHAVIOURS);
        const tablet = pick(world.tablets);
        if (fault && tablet) world.mdm.misbehave({ fault, serial: tablet.serial, times: between(random, 1, 2) });
        break;
      }
      case 18: {
        const statement = pick(world.outbox);
        const other = pick(world.tablets);
        if (!statement || !other) break;
        const [forged, change] = FORGERIES[between(random, 0, FORGERIES.length - 1)] ?? FORGERIES[0];
        world.outbox.push({ ...statement, forged, claims: { ...statement.claims, ...change(other.serial) } });
        break;
      }
      case 19: {
        const tablet = world.tablets.find(({ serial }) => world.inHandForLong().includes(serial));
        if (tablet && random() < 0.4) {
          tablet.adbEnabled = true;
          if (hasNights) world.useInHand(tablet.serial);
        }
        if (tablet && random() < 0.2) tablet.charge = between(random, 0, 60);
        break;
      }
      case 20:
        world.serverRestates();
        break;
      case 21:
        world.lose(between(random, 0, Math.max(0, world.outbox.length - 1)));
        break;
      case 22: {
        const before = pick(world.arrived);
        if (before) world.outbox.push(before);
        break;
      }
      case 23: {
        const statement = pick(random() < 0.5 ? world.outbox : world.arrived);
        if (statement) world.outbox.push(contradicting(statement, random));
        break;
      }
      case 24:
        world.hubGoes();
        world.advance(skewed(random, 100, 20_000));
        if (random() < 0.3) world.pull(slot());
        if (random() < 0.7) world.hubBack();
        break;
      case 25:
        world.hubBack();
        break;
      default: {
        const tablet = pick(world.tablets);
        if (tablet && random() < 0.3) world.setStanding(tablet.serial, pick(['admitted', 'admitted', 'lost', 'in-service']) ?? 'admitted');
        if (random() < 0.2) world.advance(86_400_000 * between(random, 1, 8));
        if (random() < 0.5) world.newBundle();
      }
    }
  }
  if (hasNights) goOn(world, 8);
  world.tap('the last one');
  return world;
}

const FORGERIES: readonly [readonly [NonNullable<Statement['forged']>, (serial: string) => Partial<Statement['claims']>], ...(readonly [NonNullable<Statement['forged']>, (serial: string) => Partial<Statement['claims']>])[]] = [
  ['wrong-station', () => ({ station: 'cart-b' })],
  ['wrong-tenant', () => ({ tenant: 'other' })],
  ['wrong-serial', (serial) => ({ serial })],
  ['wrong-request', () => ({ request: 'id-0' })],
  ['wrong-nonce', () => ({ nonce: '0' })],
];

/** A statement of the same request that says something else of it than the server did: about another enrolment, command or profile, of another time, or worse. */
function contradicting(statement: Statement, random: () => number): Statement {
  const facts: Record<string, unknown> = { ...statement.facts };
  const names = Object.keys(facts).filter((name) => name !== 'kind' && name !== 'failure');
  const name = names[Math.floor(random() * names.length)];
  if (name !== undefined) facts[name] = otherThan(name, facts[name]);
  return { ...statement, forged: 'contradictory', facts: facts as Statement['facts'] };
}

function otherThan(name: string, value: unknown): unknown {
  if (typeof value === 'string') return `${value}-other`;
  if (typeof value === 'number') return 0;
  return name === 'rooted' || name === 'adbEnabled' || name === 'unlockTokenKept';
}
