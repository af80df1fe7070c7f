import { expect, test } from 'vitest';
import { encryptTo } from '../../app/central/tenant-secrets.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import { createDownlink } from '../../app/sync/downlink.ts';
import type { Identity } from '../../app/sync/identity.ts';
import { createNewerSecrets } from '../../app/sync/secrets.ts';
import { enrolledFolder } from '../support/enrolled-folder.ts';
import { startCart } from '../support/one-cart.ts';
import { HERE, policy, SECRETS, tablet } from '../support/ward-policy.ts';
import { signer } from './signed-by.ts';
import { AWAY, stubServer } from './stub-server.ts';

const secret = (version: number, fill: number) => ({ version, key: Buffer.alloc(32, fill).toString('base64url') });
const NEWER: TenantSecrets = { version: 2, badgeKeys: [secret(2, 0x44)], peppers: SECRETS.peppers };

async function sealed(identity: Identity, secrets: TenantSecrets): Promise<string> {
  const jwe = await encryptTo(identity.keys.encryptionPublicJwk, secrets);
  if (!jwe.ok) throw new Error(jwe.reason.message);
  return jwe.value;
}
const badgeVersions = (identity: Identity): number[] => identity.enrolledOrThrow().secrets.badgeKeys.map(({ version }) => version);

/** The exchange about secrets of a station that a server enrolled, with a server that answers as it is told. */
async function asking(answer: (held: string, identity: Identity) => unknown) {
  const folder = await enrolledFolder();
  const identity = await folder.identity();
  const log: unknown[] = [];
  const stub = stubServer((_method, path) => answer(path.split('held=')[1] ?? '', identity));
  return { folder, identity, log, stub, newer: createNewerSecrets({ identity, client: () => stub.client, log: (line) => log.push(line) }) };
}

test('the power is cut between the newest keys and the bundle that needs only them: what the bundle in use needs is still there, and goes with the next one', async () => {
  const { folder, newer, identity } = await asking(async (held, each) => (held === '1' ? { version: 2, secrets: await sealed(each, NEWER) } : { version: 2 }));
  expect((await newer.catchUp(2)).ok).toBe(true);
  await newer.inUse(1);
  expect(badgeVersions(identity)).toEqual([1, 2]);

  const again = await folder.identity();
  expect([again.enrolledOrThrow().secrets.version, badgeVersions(again)]).toEqual([2, [1, 2]]);
  const after = createNewerSecrets({ identity: again, client: () => stubServer(() => ({ version: 2 })).client, log: () => undefined });
  await after.catchUp(2);
  await after.inUse(2);
  expect(badgeVersions(await folder.identity())).toEqual([2]);
});

test('the server is told what is held: after every change, and again with the next bundle where it did not hear it', async () => {
  let deaf = true;
  const { stub, newer } = await asking(async (held, each) => (held === '1' ? { version: 2, secrets: await sealed(each, NEWER) } : deaf ? AWAY : { version: 2 }));
  await newer.catchUp(2);
  deaf = false;
  for (let bundles = 0; bundles < 3; bundles += 1) await newer.catchUp(2);
  expect(stub.asked.map(({ path }) => path)).toEqual(['/v1/secrets?held=1', '/v1/secrets?held=2', '/v1/secrets?held=2']);
});

test('the newest keys cannot be had: the bundle waits a few times and is then used without them, and they are asked for again', async () => {
  const { newer, log, identity } = await asking(() => AWAY);
  const waited = [];
  for (let tries = 0; tries < 6; tries += 1) waited.push((await newer.catchUp(2)).ok);
  expect(waited).toEqual([false, false, false, false, true, false]);
  expect(log).toMatchObject([{ level: 'warn', reason: 'unreachable' }]);
  expect(badgeVersions(identity)).toEqual([1]);
});

test('what comes is for another station, broken, or older than what is held: nothing is kept and nothing ends', async () => {
  const other = await (await enrolledFolder()).identity();
  const attempts = [(): Promise<string> => sealed(other, NEWER), () => Promise.resolve('no JWE at all'), (each: Identity) => sealed(each, { ...NEWER, version: 1 }), (each: Identity) => sealed(each, { ...NEWER, peppers: undefined } as unknown as TenantSecrets)];
  for (const attempt of attempts) {
    const { newer, identity } = await asking(async (_held, each) => ({ version: 2, secrets: await attempt(each) }));
    expect(await newer.catchUp(2)).toMatchObject({ ok: false, reason: { reason: 'malformed' } });
    expect(identity.enrolledOrThrow().secrets).toEqual(SECRETS);
  }
});

test('the disk is full when the newest keys come: they stay with the server, and the bundle waits', async () => {
  const { identity } = await asking(() => AWAY);
  const full: Identity = { ...identity, keepSecrets: () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })) };
  const stub = stubServer(async () => ({ version: 2, secrets: await sealed(identity, NEWER) }));
  const newer = createNewerSecrets({ identity: full, client: () => stub.client, log: () => undefined });
  expect(await newer.catchUp(2)).toMatchObject({ ok: false, reason: { reason: 'unavailable' } });
});

test('a bundle comes that was made with newer keys: it is used only after they are kept', async () => {
  const cart = await startCart({ tablets: 1 });
  const server = await signer();
  const bundle = await server.sign('dockward-bundle+jwt', { ...policy({ version: 2, issuedAtMs: cart.clock.trueMs(), devices: [tablet('T1')] }), secretsVersion: 7 });
  const order: string[] = [];
  let reachable = false;
  const downlink = createDownlink({
    store: cart.store(),
    client: () => stubServer(() => ({ bundle, statements: [] })).client,
    here: HERE,
    keys: () => server.keys,
    secrets: {
      catchUp: (version) => {
        order.push(`caught up with ${version}, bundle ${cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0} in use`);
        return Promise.resolve(reachable ? { ok: true, value: undefined } : { ok: false, reason: AWAY });
      },
      inUse: (version) => {
        order.push(`${version} in use with bundle ${cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0}`);
        return Promise.resolve();
      },
    },
    nowMs: cart.clock.wallMs,
    submit: (event) => cart.station().submit(event),
    settled: () => cart.station().settled(),
  });
  expect(await downlink.pull(0)).toEqual({ ok: false, reason: AWAY });
  await cart.settle();
  expect(cart.store().view.get('cart', 'cart')?.bundle?.version).toBe(1);
  reachable = true;
  expect(await downlink.pull(0)).toEqual({ ok: true, value: { taken: true } });
  expect(order).toEqual(['caught up with 7, bundle 1 in use', 'caught up with 7, bundle 1 in use', '7 in use with bundle 2']);
});
