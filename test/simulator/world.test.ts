import { describe, expect, it } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import { directory } from '../../app/simulator/directory.ts';
import { createCart } from '../../app/simulator/world/cart.ts';
import { MISBEHAVIOURS } from '../../app/simulator/world/mdm-records.ts';
import { createMdm, observation } from '../../app/simulator/world/mdm.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { createTablet, isClean, uncleanBecause, use } from '../../app/simulator/world/tablet.ts';
import { provenFacts } from '../../app/domain/mdm-evidence.ts';

const START = Date.parse('2026-11-21T06:50:00Z');
const demo = directory.parse(ward);

/** A night of random wipes, uses and mischief; what is left of it as text. */
function night(seed: number): string {
  const random = seededRandom(seed);
  const mdm = createMdm({ random, clockMs: START });
  const tablets = ['A', 'B', 'C'].map((serial) => createTablet({ serial, profile: 'w' }));
  for (const tablet of tablets) mdm.admit(tablet);
  const seen: unknown[] = [];
  for (let step = 1; step <= 200; step += 1) {
    const tablet = tablets[Math.floor(random() * tablets.length)];
    if (!tablet) throw new Error('three tablets were made above');
    if (random() < 0.2) use(tablet, `person-${step}`);
    if (random() < 0.2) mdm.misbehave({ fault: MISBEHAVIOURS[Math.floor(random() * MISBEHAVIOURS.length)] ?? 'throttled', ms: 5000 });
    const order = random() < 0.3 ? mdm.issueWipe(tablet.serial, { request: `r${step}`, expiresInMs: 20_000 }) : undefined;
    mdm.tick(START + step * 1500);
    if (order) seen.push(observation(mdm, tablet.serial, order.device, order.name));
  }
  return JSON.stringify([mdm.state, seen, tablets.map((tablet) => [tablet, [...tablet.credentials]])]);
}

describe('the world', () => {
  it('is the same night for the same seed, and another for another', () => {
    expect(night(11)).toBe(night(11));
    expect(night(11)).not.toBe(night(12));
  });

  it('never calls a tablet clean that somebody has used since its wipe', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed);
      const mdm = createMdm({ random, clockMs: START });
      const tablet = createTablet({ serial: 'A', profile: 'w' });
      const enrolment = mdm.admit(tablet);
      mdm.issueWipe(enrolment, { request: 'r' });
      mdm.tick(START + Math.floor(random() * 8000));
      use(tablet, 'maria');
      expect(isClean(tablet, mdm)).toBe(false);
    }
  });

  it('a tablet used while it enrols is unclean though every fact is proven: only its exposure tells', () => {
    const mdm = createMdm({ random: seededRandom(3), clockMs: START });
    const tablet = createTablet({ serial: 'A', profile: 'w' });
    const previous = mdm.admit(tablet);
    const command = mdm.issueWipe(previous, { request: 'r' });
    mdm.tick(START + 10_000);
    use(tablet, 'maria');
    expect(provenFacts({ serial: 'A', profile: 'w', previous }, observation(mdm, 'A', previous, command?.name ?? ''))).toHaveLength(6);
    expect(uncleanBecause(tablet, mdm)).toEqual(['residue']);
  });

  it('a command for a tablet that is asleep or flat waits until it wakes', () => {
    const mdm = createMdm({ random: seededRandom(3), clockMs: START });
    const tablet = createTablet({ serial: 'A', profile: 'w' });
    const enrolment = mdm.admit(tablet);
    use(tablet, 'maria');
    tablet.asleep = true;
    const command = mdm.issueWipe(enrolment, { request: 'r', expiresInMs: 3_600_000 });
    mdm.tick(START + 60_000);
    expect(command?.state).toBe('pending');
    tablet.asleep = false;
    mdm.tick(START + 61_000);
    mdm.tick(START + 70_000);
    expect(isClean(tablet, mdm)).toBe(true);
  });

  it('deleting an enrolment in use erases the tablet', () => {
    const mdm = createMdm({ random: seededRandom(3), clockMs: START });
    const tablet = createTablet({ serial: 'A', profile: 'w' });
    const first = mdm.admit(tablet);
    use(tablet, 'maria');
    expect(mdm.remove(first)).toBe(true);
    mdm.tick(START + 10_000);
    expect(tablet.enrolment).not.toBe(first);
    expect(isClean(tablet, mdm)).toBe(true);
  });
});

describe('the cart', () => {
  const cartAt = (saved?: ReturnType<ReturnType<typeof createCart>['save']>) => createCart({ directory: demo, random: seededRandom(5), worldMs: START, ...(saved ? { saved } : {}) });
  const slot = (cart: ReturnType<typeof cartAt>, number: number) => cart.seen().find((one) => one.slot === number);

  it('stands as the ward is described: fourteen tablets, a bad cable in 6, mischief waiting for 9', () => {
    const cart = cartAt();
    expect(cart.seen().filter((one) => one.present)).toHaveLength(14);
    expect(slot(cart, 6)).toEqual({ slot: 6, present: true, attachment: '0' });
    expect(cart.mdm.state.mischief).toEqual([{ fault: 'late-enrolment', times: 1, serial: 'R52TYGCNWNP', ms: 240_000 }]);
    expect([...cart.tablets.values()].every((tablet) => !isClean(tablet, cart.mdm))).toBe(true);
  });

  it('a tablet is out of its slot for an instant in which nobody looks, or for a while in which somebody does: its port counts each return', () => {
    const cart = cartAt();
    const attachment = () => slot(cart, 1)?.attachment;
    const pullAndPutBack = (looked: boolean): void => {
      const pulled = cart.undock(1, '');
      if (looked) expect(attachment()).toBeUndefined();
      if (pulled.ok) cart.dock(pulled.serial, 1);
    };
    expect([attachment(), attachment()]).toEqual(['0', '0']);
    pullAndPutBack(false);
    expect(attachment()).toBe('1');
    pullAndPutBack(true);
    expect(attachment()).toBe('2');
    cart.setPower(1, false);
    expect(attachment()).toBeUndefined();
    cart.setPower(1, true);
    expect(attachment()).toBe('3');
  });

  it('a pulled tablet drains, a docked one charges, neither beyond its end', () => {
    const cart = cartAt();
    const pulled = cart.undock(1, 's1001');
    cart.tick(START + 3_600_000);
    expect(pulled).toEqual({ ok: true, serial: 'R52TGNPY77Z' });
    expect(cart.tablets.get('R52TGNPY77Z')?.charge).toBeCloseTo(80, 5);
    expect(slot(cart, 5)?.chargePercent).toBe(100);
    cart.tick(START + 30 * 3_600_000);
    expect(cart.tablets.get('R52TGNPY77Z')?.charge).toBe(0);
    cart.dock('R52TGNPY77Z', 3);
    expect(slot(cart, 3)).toEqual({ slot: 3, present: true, attachment: '1' });
    cart.tick(START + 30.1 * 3_600_000);
    expect(slot(cart, 3)?.serial).toBe('R52TGNPY77Z');
  });

  it('an erasing tablet leaves the USB and comes back in the same slot', () => {
    const cart = cartAt();
    cart.mdm.issueWipe('R52TGNPY77Z', { request: 'r' });
    let absent = false;
    for (let ms = 0; ms < 8000; ms += 100) {
      cart.tick(START + ms);
      absent ||= slot(cart, 1)?.present === false;
    }
    expect(absent).toBe(true);
    expect(slot(cart, 1)?.serial).toBe('R52TGNPY77Z');
  });

  it('refuses what hands cannot do', () => {
    const cart = cartAt();
    expect(cart.undock(3, '')).toEqual({ ok: false, reason: 'slot-empty' });
    expect(cart.undock(99, '')).toEqual({ ok: false, reason: 'unknown-slot' });
    expect(cart.dock('R52TGNPY77Z', 3)).toEqual({ ok: false, reason: 'tablet-docked' });
    cart.undock(1, '');
    expect(cart.dock('R52TGNPY77Z', 2)).toEqual({ ok: false, reason: 'slot-taken' });
    expect(cart.dock('NOBODY', 3)).toEqual({ ok: false, reason: 'unknown-tablet' });
  });

  it('comes back from its saved state as it was, wipes under way included', () => {
    const cart = cartAt();
    cart.undock(2, 's1002');
    cart.mdm.issueWipe('R52TGNPY77Z', { request: 'r' });
    cart.tick(START + 500);
    const again = cartAt(JSON.parse(JSON.stringify(cart.save())));
    expect(again.seen()).toEqual(cart.seen());
    expect(again.hands.get('R52TXYYK596')).toBe('s1002');
    again.tick(START + 10_000);
    expect(again.tablets.get('R52TGNPY77Z')?.residueOf).toBeNull();
  });
});
