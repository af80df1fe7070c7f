import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { UPLOAD_MAX_BYTES, UPLOAD_MAX_ENTRIES } from '../../app/contract/station-http.ts';
import { cosign } from '../../app/ledger/checkpoint.ts';
import { verifierKey } from '../../app/ledger/note.ts';
import type { Store } from '../../app/storage/store.ts';
import { createUplink, QUIET_MS } from '../../app/sync/uplink.ts';
import { startCart } from '../support/one-cart.ts';
import { HERE, MARIA, tablet } from '../support/ward-policy.ts';
import { noted } from './contact.ts';
import { AWAY, stubServer } from './stub-server.ts';

const ORIGIN = `${HERE.tenant}/station/${HERE.station}/e1`;
const witnessKey = generateKeyPairSync('ed25519').privateKey;
const witness = verifierKey('mercy/witness', witnessKey, 'cosignature');
const otherKey = generateKeyPairSync('ed25519').privateKey;

interface Upload {
  readonly from: number;
  readonly entries: readonly string[];
  readonly checkpoint: string;
}
const cosigned = ({ from, entries, checkpoint }: Upload, key = witnessKey) => ({ size: from + entries.length, cosignature: cosign(checkpoint, verifierKey('mercy/witness', key, 'cosignature'), key, 1_800_000_000) });

test('the answer is lost on the way: the same entries go again, and then exactly what is new', async () => {
  const cart = await startCart({ tablets: 1 });
  let lost = true;
  const { client, asked } = stubServer((_method, _path, body) => (lost ? AWAY : cosigned(body as Upload)));
  const uplink = createUplink(cart.store(), () => client, ORIGIN, () => [witness]);
  const size = cart.store().size();
  expect(await uplink.push()).toEqual({ ok: false, reason: AWAY });
  expect(cart.store().acked().size).toBe(0);
  lost = false;
  expect(await uplink.push()).toEqual({ ok: true, value: { kind: 'sent', cosignedAtMs: 1_800_000_000_000, more: false } });
  expect(cart.store().acked().size).toBe(size);
  expect(asked[1]?.body).toEqual(asked[0]?.body);
  expect(await uplink.push()).toEqual({ ok: true, value: { kind: 'nothing' } });
  await cart.tap(MARIA);
  await uplink.push();
  expect(asked[2]?.body).toMatchObject({ from: size, entries: [expect.any(String)] });
});

test('nothing happens at the cart for half a minute: its last checkpoint is cosigned anew, once', async () => {
  const cart = await startCart({ tablets: 1 });
  const { client, asked } = stubServer((_method, _path, body) => cosigned(body as Upload));
  let monoMs = 0;
  const uplink = createUplink(cart.store(), () => client, ORIGIN, () => [witness], () => monoMs);
  await uplink.push();
  const size = cart.store().size();
  monoMs = QUIET_MS - 1;
  expect(await uplink.push()).toEqual({ ok: true, value: { kind: 'nothing' } });
  monoMs = QUIET_MS;
  expect(await uplink.push()).toMatchObject({ ok: true, value: { kind: 'sent' } });
  expect(asked.at(-1)?.body).toMatchObject({ from: size, entries: [] });
  expect(await uplink.push()).toEqual({ ok: true, value: { kind: 'nothing' } });
});

test.each([
  ['somebody else signs in the witness’s name', (upload: Upload) => cosigned(upload, otherKey)],
  ['the witness signs and says another size', (upload: Upload) => ({ ...cosigned(upload), size: upload.from })],
  ['the cosignature is no signature', (upload: Upload) => ({ ...cosigned(upload), cosignature: 'nothing of the kind\n' })],
])('%s: that acknowledges nothing', async (_, answer) => {
  const cart = await startCart({ tablets: 1 });
  const { client } = stubServer((_method, _path, body) => answer(body as Upload));
  const uplink = createUplink(cart.store(), () => client, ORIGIN, () => [witness]);
  expect(await uplink.push()).toMatchObject({ ok: false, reason: { reason: 'inconsistent' } });
  expect(cart.store().acked().size).toBe(0);
  expect(cart.kiosk().now().network.unsynced).toBeGreaterThan(0);
});

test('the server says that this ledger has two histories: nothing is taken back, and it cannot be continued', async () => {
  const cart = await startCart({ tablets: 1 });
  const { client } = stubServer(() => ({ reason: 'inconsistent', message: 'Entry 3 differs.' }));
  const size = cart.store().size();
  expect(await createUplink(cart.store(), () => client, ORIGIN, () => [witness]).push()).toEqual({ ok: true, value: { kind: 'forked', fork: { cause: 'two-histories', message: 'Entry 3 differs.' } } });
  expect(cart.store().size()).toBe(size);
});

test('the server cosigned more than this ledger holds: an old disk was put back', async () => {
  const cart = await startCart({ tablets: 1 });
  const size = cart.store().size() + 1;
  const { client } = stubServer(() => ({ reason: 'stale-size', message: 'too old', size }));
  expect(await createUplink(cart.store(), () => client, ORIGIN, () => [witness]).push()).toMatchObject({ ok: true, value: { kind: 'forked', fork: { cause: 'behind-witness' } } });
});

test('the server has all of it and its answer was lost long ago: it is asked from where it stands, for the cosignature alone', async () => {
  const cart = await startCart({ tablets: 1 });
  const size = cart.store().size();
  const { client, asked } = stubServer((_method, _path, body) => ((body as Upload).from < size ? { reason: 'stale-size', message: 'we have that', size } : cosigned(body as Upload)));
  expect(await createUplink(cart.store(), () => client, ORIGIN, () => [witness]).push()).toMatchObject({ ok: true, value: { kind: 'sent' } });
  expect(asked.map(({ body }) => [(body as Upload).from, (body as Upload).entries.length])).toEqual([[0, size], [size, 0]]);
  expect(cart.store().acked().size).toBe(size);
});

test('the server was restored from a backup: it gets again what it lost, and the acknowledgement never goes back', async () => {
  const cart = await startCart({ tablets: 1 });
  const server: { behind?: number } = {};
  const { client, asked } = stubServer((_method, _path, body) => {
    const upload = body as Upload;
    if (server.behind !== undefined && upload.from > server.behind) return { reason: 'stale-size', message: 'we are behind', size: server.behind };
    return cosigned(upload);
  });
  const uplink = createUplink(cart.store(), () => client, ORIGIN, () => [witness]);
  await uplink.push();
  const acked = cart.store().acked().size;
  server.behind = 2;
  await cart.tap(MARIA);
  expect(await uplink.push()).toMatchObject({ ok: true, value: { kind: 'sent' } });
  expect((asked.at(-1)?.body as Upload).from).toBe(2);
  expect(cart.store().acked().size).toBeGreaterThan(acked);
  expect(cart.store().acked().size).toBe(cart.store().size());
});

/** Everything goes up, in uploads that the server takes: within both limits, each under a checkpoint of exactly its end. */
async function drain(store: Store): Promise<readonly Upload[]> {
  const { client, asked } = stubServer((_method, _path, body) => cosigned(body as Upload));
  const uplink = createUplink(store, () => client, ORIGIN, () => [witness]);
  let sent = await uplink.push();
  while (sent.ok && sent.value.kind === 'sent') sent = await uplink.push();
  expect(sent).toEqual({ ok: true, value: { kind: 'nothing' } });
  const uploads = asked.map(({ body }) => body as Upload);
  for (const { from, entries, checkpoint } of uploads) {
    expect(entries.length).toBeLessThanOrEqual(UPLOAD_MAX_ENTRIES);
    expect(entries.reduce((bytes, entry) => bytes + Buffer.from(entry, 'base64').length, 0)).toBeLessThanOrEqual(UPLOAD_MAX_BYTES);
    expect(checkpoint.split('\n')[1]).toBe(String(from + entries.length));
  }
  expect(store.acked().size).toBe(store.size());
  return uploads;
}

test('six hundred entries wait: they go in batches the server takes, each under a checkpoint of exactly its end', async () => {
  const cart = await startCart({ tablets: 1 });
  for (let n = 0; n < 10; n += 1) await cart.store().append(Array.from({ length: 60 }, () => noted('x')));
  const uploads = await drain(cart.store());
  // Small enough that nobody at the cart waits for one, large enough to be worth its signature.
  expect(Math.max(...uploads.map(({ entries }) => entries.length))).toBeLessThanOrEqual(256);
  expect(uploads.length).toBeLessThan(6);
});

test('the ward gets five thousand new tablets in one bundle: their admissions go up like anything else', async () => {
  const cart = await startCart({ tablets: 1 });
  const before = cart.store().size();
  await cart.publish({ devices: Array.from({ length: 5_000 }, (_, n) => tablet(`N${n}`)) });
  expect((await cart.types(before)).filter((type) => type === 'device-admitted').length).toBe(5_000);
  await drain(cart.store());
});

test('every entry is as large as an entry can be: sixty-four of them would be two uploads', async () => {
  const cart = await startCart({ tablets: 1 });
  const from = cart.store().size();
  for (let n = 0; n < 3; n += 1) await cart.store().append(Array.from({ length: 50 }, () => noted('x'.repeat(7_800))));
  const [first] = await cart.store().entries(from, 1);
  expect(first?.bytes.length).toBeGreaterThan(8_000);
  await drain(cart.store());
});
