import { expect, test } from 'vitest';
import { pinMatches } from '../../app/central/directory.ts';
import type { StaffMember } from '../../app/contract/policy-bundle.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import { createBadgeHmacs } from '../../app/station/badge.ts';
import { createPinChecks } from '../../app/station/pin.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { JONAS, MARIA, PEOPLE, PIN, SECRETS, STRANGER_UID, type Person } from '../support/ward-policy.ts';

const secret = (version: number, fill: number) => ({ version, key: Buffer.alloc(32, fill).toString('base64url') });
/** Two versions live: what a cart keeps after both were rotated. */
const ROTATED: TenantSecrets = { version: 3, badgeKeys: [...SECRETS.badgeKeys, secret(2, 0x44)], peppers: [...SECRETS.peppers, secret(2, 0x55)] };
/** And after the older ones were retired. */
const RETIRED: TenantSecrets = { version: 5, badgeKeys: ROTATED.badgeKeys.slice(1), peppers: ROTATED.peppers.slice(1) };

const hmacs = createBadgeHmacs(() => ROTATED);
const member = ({ uid: _uid, ...rest }: Person): StaffMember => rest;
const badgeUnder = (person: Person, ...versions: number[]): StaffMember['badges'] => hmacs(person.uid).filter(({ version }) => versions.includes(version)).map(({ hmac, version }) => ({ hmac, badgeKeyVersion: version }));
const moveOf = (person: Person) => {
  const [newest, old] = hmacs(person.uid);
  return { kind: 'badge', old, new: newest };
};
/** The bundle with Maria's badge under these versions. */
const publish = (cart: OneCart, ...versions: number[]) => cart.publish({ secretsVersion: cart.secrets.version, staff: PEOPLE.map((each) => (each === MARIA ? { ...member(each), badges: badgeUnder(each, ...versions) } : member(each))) });

test('the keys were rotated while the cart was offline: badges go on working, before and after it has the new ones, and each is reported once', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.network({ kind: 'offline' });
  await cart.pass(6 * 3_600_000);
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.' });
  expect(cart.rekeyed).toEqual([]);
  await cart.pull(1);

  cart.secrets = ROTATED;
  await cart.tap(JONAS, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Jonas L.' });
  await cart.tap(JONAS, 'crypto');
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'limit-reached' });
  expect(cart.rekeyed).toEqual([moveOf(JONAS), moveOf(MARIA)]);
});

test('a badge that stands under both versions is one person’s, once, and works on when the old version is gone', async () => {
  const cart = await startCart({ tablets: 2 });
  cart.secrets = ROTATED;
  await publish(cart, 1, 2);
  await cart.tap(MARIA, 'crypto');
  expect((await cart.ofType('offered')).map(({ actor }) => actor)).toEqual([MARIA.actor]);
  await cart.pass(31_000);

  cart.secrets = RETIRED;
  await publish(cart, 2);
  await cart.tap(MARIA, 'crypto');
  expect((await cart.ofType('offered')).map(({ actor }) => actor)).toEqual([MARIA.actor, MARIA.actor]);
  expect(cart.rekeyed).toEqual([]);
  await cart.tap(JONAS, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'badge-unknown' });
});

test('an old badge was given to somebody else under the new key: it is hers alone', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.secrets = ROTATED;
  await cart.publish({ staff: PEOPLE.map((each) => (each === JONAS ? { ...member(each), badges: badgeUnder(MARIA, 2) } : member(each))) });
  await cart.tap(MARIA, 'crypto');
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Jonas L.' });
  expect(cart.rekeyed).toEqual([]);
});

test('who is not let through is not reported: an unknown badge, a person struck off, a wrong PIN', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.secrets = ROTATED;
  await cart.publish({ staff: PEOPLE.map((each) => (each === JONAS ? { ...member(each), revoked: true } : member(each))) });
  await cart.tap({ uid: STRANGER_UID }, 'crypto');
  await cart.tap(JONAS, 'crypto');
  await cart.tap(MARIA, 'uid');
  await cart.pin('000000');
  await cart.pass(21_000);
  expect(cart.rekeyed).toEqual([]);
});

test('a right PIN under the old pepper: she is served first, then her badge is reported and a verifier that only the new pepper opens', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.secrets = ROTATED;
  await cart.tap(MARIA, 'uid');
  expect(cart.rekeyed).toEqual([]);
  await cart.pin();
  expect(cart.message()).toMatchObject({ kind: 'take', name: 'Maria K.' });
  expect(cart.rekeyed).toEqual([moveOf(MARIA)]);
  await expect.poll(() => cart.rekeyed.length, { timeout: 10_000 }).toBe(2);
  const [, moved] = cart.rekeyed;
  if (moved?.kind !== 'pin') throw new Error('no PIN was reported');
  expect(moved).toMatchObject({ actor: MARIA.actor, from: 1, new: { pepperVersion: 2 } });
  expect(moved.new.salt).not.toBe(MARIA.pin?.salt);
  const newPepper = ROTATED.peppers[1]?.key ?? '';
  expect(await pinMatches(PIN, newPepper, moved.new)).toBe(true);

  await cart.publish({ staff: PEOPLE.map((each) => (each === MARIA ? { ...member(each), pin: moved.new } : member(each))) });
  cart.secrets = RETIRED;
  await cart.publish({ staff: PEOPLE.map((each) => (each === MARIA ? { ...member(each), badges: badgeUnder(each, 2), pin: moved.new } : member(each))) });
  await cart.pass(13 * 3_600_000);
  await cart.tap(MARIA, 'uid');
  await cart.pin();
  expect((await cart.ofType('pin-accepted')).length).toBe(2);
  expect(cart.rekeyed.length).toBe(2);
});

test('a PIN stands under a pepper that this cart does not have yet: no pad opens and no try is spent', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.publish({ secretsVersion: 3, staff: PEOPLE.map((each) => ({ ...member(each), pin: { salt: '33'.repeat(16), hash: '44'.repeat(32), pepperVersion: 2 } })) });
  await cart.tap(MARIA, 'uid');
  expect(cart.message()).toMatchObject({ kind: 'refusal', reason: 'pin-not-set' });
  expect(await cart.ofType('pin-attempted')).toEqual([]);
});

test('a shift change after a rotation: whoever types a PIN goes before the verifiers that are made anew', async () => {
  let salts = 0;
  const pins = createPinChecks(() => ROTATED, () => (salts += 1).toString(16).padStart(32, '0'));
  const old = MARIA.pin;
  if (!old) throw new Error('Maria has no PIN');
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  await Promise.all([
    pins.renew(PIN, old).then(note('first anew')),
    pins.renew(PIN, old).then(note('second anew')),
    pins.check(PIN, old).then((right) => done.push(right ? 'right' : 'wrong')),
  ]);
  expect(done).toEqual(['first anew', 'right', 'second anew']);
  expect(await pins.renew(PIN, { ...old, pepperVersion: 2 })).toBeUndefined();
});

test('nothing of it is in the ledger or the log: no number, no HMAC, no salt, no hash', async () => {
  const cart = await startCart({ tablets: 1 });
  cart.secrets = ROTATED;
  await cart.tap(MARIA, 'uid');
  await cart.pin();
  await expect.poll(() => cart.rekeyed.length, { timeout: 10_000 }).toBe(2);
  const written = (await cart.store().entries(0, cart.store().size())).map(({ bytes }) => bytes.toString()).join() + cart.log.join();
  expect(written).toContain(MARIA.actor);
  const reported = cart.rekeyed.flatMap((moved) => (moved.kind === 'badge' ? [moved.old.hmac, moved.new.hmac] : [moved.new.salt, moved.new.hash]));
  for (const hidden of [MARIA.uid, PIN, ...reported]) expect(written.toLowerCase()).not.toContain(hidden.toLowerCase());
});
