import { expect, test } from 'vitest';
import { ok } from '../../app/domain/result.ts';
import { createDownlink } from '../../app/sync/downlink.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { HERE, policy, tablet } from '../support/ward-policy.ts';
import { signer, type Signer } from './signed-by.ts';
import { AWAY, stubServer } from './stub-server.ts';

function downlinkOf(cart: OneCart, server: Signer, answer: () => unknown) {
  const stub = stubServer(answer);
  const downlink = createDownlink({
    store: cart.store(),
    client: () => stub.client,
    here: HERE,
    keys: () => server.keys,
    secrets: { catchUp: () => Promise.resolve(ok(undefined)), inUse: () => Promise.resolve() },
    nowMs: cart.clock.wallMs,
    submit: (event) => cart.station().submit(event),
    settled: () => cart.station().settled(),
  });
  return { stub, downlink };
}
const nextBundle = (cart: OneCart, change: object = {}) => ({ ...policy({ version: 2, issuedAtMs: cart.clock.trueMs(), devices: [tablet('T1')] }), ...change });

test('news come: the station holds them before it asks for more, and asks from where it stands', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  const server = await signer();
  const { request = '', nonce = '' } = cart.device('T1').request ?? {};
  const jws = await server.sign('dockward-statement+jwt', { ...HERE, serial: 'T1', request, nonce, issuedAtMs: cart.clock.trueMs(), facts: { kind: 'credentials-revoked', previous: 'old' } });
  const bundle = await server.sign('dockward-bundle+jwt', nextBundle(cart));
  const { stub, downlink } = downlinkOf(cart, server, () => ({ bundle, statements: [{ cursor: 41, jws: 'broken' }, { cursor: 42, jws }] }));
  expect(await downlink.pull(0)).toEqual({ ok: true, value: { taken: true } });
  expect(cart.store().view.get('cart', 'cart')?.bundle?.version).toBe(2);
  expect(cart.device('T1').evidence.revocation).toMatchObject({ previous: 'old' });
  expect(await cart.ofType('statement-refused')).toMatchObject([{ body: { reason: 'signature' } }]);
  await downlink.pull(0);
  expect(stub.asked.map(({ path }) => path)).toEqual(['/v1/downlink?bundle=1&after=0&waitMs=0', '/v1/downlink?bundle=2&after=42&waitMs=0']);
});

test('the server keeps sending a bundle that cannot be taken: recorded once, and the caller is told to wait', async () => {
  const cart = await startCart({ tablets: 1 });
  const server = await signer();
  const bundle = await server.sign('dockward-bundle+jwt', nextBundle(cart, { stations: ['cart-8'] }));
  const { downlink } = downlinkOf(cart, server, () => ({ bundle, statements: [] }));
  for (let pull = 0; pull < 3; pull += 1) expect(await downlink.pull(0)).toEqual({ ok: true, value: { taken: false } });
  expect(await cart.ofType('bundle-refused')).toMatchObject([{ body: { reason: 'station' } }]);
});

test('the disk is full: statements and bundle stay with the server, and the caller is told to wait', async () => {
  const cart = await startCart({ tablets: 1, unproven: true });
  const server = await signer();
  const bundle = await server.sign('dockward-bundle+jwt', nextBundle(cart));
  const { downlink, stub } = downlinkOf(cart, server, () => ({ bundle, statements: [{ cursor: 5, jws: 'broken' }] }));
  cart.disk.full = true;
  expect(await downlink.pull(0)).toEqual({ ok: true, value: { taken: false } });
  cart.disk.full = false;
  expect(await downlink.pull(0)).toEqual({ ok: true, value: { taken: true } });
  expect(stub.asked.map(({ path }) => path)).toEqual(Array(2).fill('/v1/downlink?bundle=1&after=0&waitMs=0'));
});

test('the server is away: its refusal is handed on and nothing is submitted', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  const { downlink } = downlinkOf(cart, await signer(), () => AWAY);
  expect(await downlink.pull(0)).toEqual({ ok: false, reason: AWAY });
  await cart.settle();
  expect(await cart.types(from)).toEqual([]);
});
