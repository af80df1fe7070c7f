import { expect, test } from 'vitest';
import type { SanitizationFailure } from '../../app/domain/terms.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { NIGHT } from '../support/night-rules.ts';
import { tablet } from '../support/ward-policy.ts';

const MINUTE_MS = 60_000;

async function giveUp(cart: OneCart, serial: string, failure: SanitizationFailure = 'command-expired'): Promise<void> {
  const { request = '', nonce = '' } = cart.device(serial).request ?? {};
  const claims = { tenant: 'mercy', station: 'cart-7', serial, request, nonce, issuedAtMs: cart.clock.trueMs(), facts: { kind: 'sanitization-failed' as const, failure } };
  await cart.network({ kind: 'statements', cursor: cart.clock.trueMs(), statements: [{ digest: 'e1'.repeat(32), claims }] });
}
const powers = (cart: OneCart) => cart.host.asked.flatMap((command) => (command.command === 'port-power' ? [[command.slot, command.on]] : []));

test('a wipe failed: it is tried again after a minute, then after two, each time with the port switched off and on', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await giveUp(cart, 'T1');
  await cart.pass(MINUTE_MS - 1_000);
  expect(await cart.ofType('sanitization-requested')).toHaveLength(1);
  await cart.pass(1_000);
  expect(await cart.ofType('sanitization-requested')).toHaveLength(2);
  expect(powers(cart)).toEqual([[1, false]]);
  await cart.pass(3_000);
  expect(powers(cart)).toEqual([[1, false], [1, true]]);
  expect(await cart.ofType('port-cycled')).toMatchObject([{ device: 'T1', slot: 1, body: { outcome: 'cycled' } }]);
  await giveUp(cart, 'T1');
  await cart.pass(2 * MINUTE_MS - 1_000);
  expect(await cart.ofType('sanitization-requested')).toHaveLength(2);
  await cart.pass(1_000);
  expect((await cart.ofType('sanitization-requested')).map(({ body }) => body.attempt)).toEqual([1, 2, 3]);
});

test('its hub cannot switch ports: the wipe is tried again all the same, and the ledger says that the port was not cycled', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  cart.host.answer = { ok: false, reason: 'no-power-control' };
  await giveUp(cart, 'T1');
  await cart.pass(MINUTE_MS);
  await cart.settle();
  expect(await cart.types(cart.store().size() - 2)).toEqual(['sanitization-requested', 'port-cycled']);
  expect(await cart.ofType('port-cycled')).toMatchObject([{ body: { outcome: 'refused' } }]);
});

test('the port goes dark for the cycle and the tablet with it: that is its restart, not a removal', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await giveUp(cart, 'T1');
  await cart.pass(MINUTE_MS);
  await cart.pull(1);
  await cart.pass(5_000);
  await cart.dock(1, 'T1');
  expect(await cart.ofType('unidentified-removal')).toEqual([]);
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});

test('the station dies while a port is without power: its next life gives the power back', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await giveUp(cart, 'T1');
  await cart.pass(MINUTE_MS);
  expect(powers(cart)).toEqual([[1, false]]);
  await cart.restart({ downMs: 2_000 });
  await cart.settle();
  expect(powers(cart)).toEqual([[1, false], [1, true]]);
  expect(await cart.ofType('port-cycled')).toHaveLength(1);
  await cart.hostDies();
  await cart.hostStarts();
  expect(powers(cart)).toHaveLength(2);
});

test('two different tablets in a row fail in one slot: no further wipe is begun there, and elsewhere they succeed', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  await giveUp(cart, 'T1');
  await cart.pull(1);
  await cart.dock(2, 'T1');
  await cart.dock(1, 'T5');
  await giveUp(cart, 'T5');
  await cart.pass(10 * MINUTE_MS);
  const asked = async (serial: string) => (await cart.ofType('sanitization-requested')).filter(({ device }) => device === serial).map(({ slot }) => slot);
  expect(await asked('T1')).toEqual([1, 2]);
  expect(await asked('T5')).toEqual([1]);
  expect(cart.store().view.get('slot', '1')?.troubles.map(({ serial }) => serial)).toEqual(['T1', 'T5']);
  await cart.pull(1);
  await cart.dock(3, 'T5');
  expect(await asked('T5')).toEqual([1, 3]);
  await cart.prove('T5');
  expect(cart.look(3)).toBe('ready');
  await cart.dock(1, 'T6');
  expect(await asked('T6')).toEqual([]);
  await cart.pass(12 * 60 * MINUTE_MS);
  expect(await asked('T6')).toEqual([1]);
});

test('more tablets come back at once than may be wiped at once: the others wait for room', async () => {
  const cart = await startCart({ tablets: 4, unproven: true, rules: { overnight: NIGHT } });
  const asked = async () => (await cart.ofType('sanitization-requested')).map(({ device }) => device);
  expect(await asked()).toEqual(['T1', 'T2']);
  await cart.prove('T1', {}, ['wipe-confirmed', 'enrolled']);
  expect(await asked()).toEqual(['T1', 'T2', 'T3']);
  await giveUp(cart, 'T2', 'mdm-refused');
  expect(await asked()).toEqual(['T1', 'T2', 'T3', 'T4']);
});

test('a tablet in quarantine was looked at by service and comes back: it is free, and wiped before anybody gets it', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await giveUp(cart, 'T1');
    await cart.pass(5 * MINUTE_MS);
  }
  expect(cart.look(1)).toBe('out-of-service');
  const from = cart.store().size();
  const stood = async (standing: 'in-service' | 'admitted'): Promise<void> => {
    const devices = Array.from({ length: 16 }, (_, n) => ({ ...tablet(`T${n + 1}`), ...(n === 0 ? { standing } : {}) }));
    await cart.publish({ devices });
  };
  await stood('in-service');
  expect(await cart.ofType('sanitization-requested', from)).toEqual([]);
  await stood('admitted');
  expect(cart.device('T1')).toMatchObject({ exposure: { cause: 'service' } });
  expect(cart.device('T1').quarantine).toBeUndefined();
  expect(await cart.ofType('sanitization-requested', from)).toMatchObject([{ device: 'T1', body: { attempt: 1 } }]);
  await cart.prove('T1');
  expect(cart.look(1)).toBe('ready');
});
