import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { statementKey, witnessKey } from '../../app/central/keys.ts';
import { openCosignature } from '../../app/ledger/checkpoint.ts';
import { encodeVkey, parseVkey } from '../../app/ledger/note.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import { clientOf } from '../../app/sync/sync.ts';
import { witnessKeys } from '../../app/sync/trust.ts';
import { createUplink, QUIET_MS } from '../../app/sync/uplink.ts';
import { SERIAL, startTestCentral, type TestCentral } from '../central/demo-central.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { enrolFolder, noted, openAlone, startContact } from './contact.ts';
import { ask, contactedCart, exported, newFolder, policyNow, policySays, published, serverKeys, states, synced, within } from './keys-at-central.ts';

let postgres: TestPostgres;
let central: TestCentral;
let data: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  central = await startTestCentral(await postgres.createDatabase());
  data = await newFolder();
});
afterEach(() => central.close());

const incidents = async (): Promise<string[]> => (await central.database.query<{ kind: string }>('select kind from incident order by id')).rows.map(({ kind }) => kind);

test('the server replaces its statement key while a cart is offline: it is published, waits for the cart, and then signs; the cart believes both in turn', async () => {
  const cart = await contactedCart(central, data);
  await cart.cable(false);
  expect((await ask(central, '/api/keys/rotate', { kind: 'statement' })).status).toBe(200);
  const other = await newFolder();
  await enrolFolder(central, other);
  expect(await states(central, 'statement')).toEqual(['signing', 'announced']);
  expect((await serverKeys(central)).waitingFor.map(({ station }) => station)).toContain(cart.origin.split('/')[2]);
  expect((await ask(central, '/api/keys/rotate', { kind: 'statement' })).status).toBe(409);
  const lost = (await (await ask(central, '/api/keys/retire', {})).json()) as { retired: boolean };
  expect(lost).toMatchObject({ retired: false });

  // The other cart never comes: it is taken out of service.
  await ask(central, '/api/stations/deny', { station: (await openIdentity(other)).enrolledOrThrow().enrolment.station });
  await cart.cable(true);
  await expect.poll(() => states(central, 'statement'), within).toEqual(['former', 'signing']);
  const signedByNew = await central.database.query<{ version: number }>('select max(version) as version from bundle');
  await expect.poll(() => cart.store().view.get('cart', 'cart')?.bundle?.version, within).toBeGreaterThanOrEqual(signedByNew.rows[0]?.version ?? 0);
  const kid = (await serverKeys(central)).keys.findLast(({ kind }) => kind === 'statement')?.name;
  expect(decodeProtectedHeader(await policyNow(central)).kid).toBe(kid);

  // A start from the disk alone, and news under the new key alone.
  await cart.cable(false);
  await cart.powerCut(1_000);
  await cart.tap('04FFFFFFFFFFFF');
  // It still knows its people, and that this is none of them.
  expect(cart.kiosk().now().message).toMatchObject({ kind: 'refusal', reason: 'badge-unknown' });
  await cart.cable(true);
  central.clock.ms += 3_700_000;
  const before = cart.store().view.get('cart', 'cart')?.bundle?.version ?? 0;
  await expect.poll(() => cart.store().view.get('cart', 'cart')?.bundle?.version, within).toBeGreaterThan(before);
  const refused = (await cart.store().recorded(0, cart.store().size())).filter(({ type }) => type === 'bundle-refused' || type === 'statement-refused');
  expect(refused).toEqual([]);
  await synced(cart.store());
  expect((await exported(central, cart.origin, await policyNow(central))).finding).toBeUndefined();
});

test('it replaces its witness key while a cart is offline: what it sends afterwards bears the new one', async () => {
  const cart = await contactedCart(central, data);
  await synced(cart.store());
  await cart.cable(false);
  expect((await ask(central, '/api/keys/rotate', { kind: 'witness' })).status).toBe(200);
  expect(await states(central, 'witness')).toEqual(['former', 'signing']);
  await cart.store().append([noted('while it was away')]);
  await cart.cable(true);
  await synced(cart.store());
  const [oldest, newest] = (await serverKeys(central)).keys.filter(({ kind }) => kind === 'witness').map(({ name }) => parseVkey(name));
  const lines = await (await published(central, cart.origin, 'checkpoint')).text();
  if (!oldest?.ok || !newest?.ok) throw new Error('the witness keys cannot be read');
  expect([openCosignature(lines, newest.value).ok, openCosignature(lines, oldest.value).ok]).toEqual([true, false]);
  expect(await exported(central, cart.origin)).toMatchObject({ finding: undefined, trusted: false });
  const withPolicy = await exported(central, cart.origin, await policyNow(central));
  expect(withPolicy.finding).toBeUndefined();
  expect(await incidents()).toEqual([]);
});

test('it replaces its witness key while a cart has nothing to say: within half a minute the cart’s last checkpoint bears the new line', async () => {
  const identity = await enrolFolder(central, data);
  const store = await openAlone(data);
  await store.append([noted('the last for today')]);
  const client = clientOf(central.stationUrl, identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
  onTestFinished(() => client.close());
  onTestFinished(() => store.close());
  let monoMs = 0;
  const { origin } = identity.enrolledOrThrow().enrolment;
  const uplink = createUplink(store, () => client, origin, () => witnessKeys(identity.trust()), () => monoMs);
  expect(await uplink.push()).toMatchObject({ ok: true, value: { kind: 'sent' } });
  await ask(central, '/api/keys/rotate', { kind: 'witness' });
  monoMs += QUIET_MS;
  central.clock.ms += QUIET_MS;
  // Until the bundle has come, nothing is believed and nothing is lost.
  expect(await uplink.push()).toMatchObject({ ok: false, reason: { reason: 'inconsistent' } });
  await identity.keepTrust({ ...identity.trust(), witnesses: [encodeVkey(central.keys.witness.verifier)] });
  expect(await uplink.push()).toMatchObject({ ok: true, value: { kind: 'sent' } });
  const lines = await (await published(central, origin, 'checkpoint')).text();
  expect(openCosignature(lines, central.keys.witness.verifier).ok).toBe(true);
});

test('it replaces its witness key, and of a ledger that ended before the line stays that it had, and an auditor’s policy still names that key', async () => {
  await enrolFolder(central, data);
  const ended = await startContact(central, data);
  await ended.note('the last word');
  await synced(ended.store);
  await ended.stop();
  await ask(central, '/api/keys/rotate', { kind: 'witness' });
  const other = await newFolder();
  await enrolFolder(central, other);
  const here = await startContact(central, other);
  await expect.poll(async () => (await policySays(central))?.keys.witness, within).toBe(encodeVkey(central.keys.witness.verifier));
  await here.stop();
  expect((await exported(central, ended.origin)).finding).toBeUndefined();
  expect((await exported(central, ended.origin, await policyNow(central))).finding).toBeUndefined();
});

test('it replaces both in one of two processes: the other signs with the new keys, and starts again with them; the old private keys are nowhere on the disk', async () => {
  const cart = await contactedCart(central, data);
  await cart.dock(1, SERIAL);
  const { dataFolder } = central.options;
  const second = await startTestCentral(central.options.databaseUrl, { dataFolder });
  onTestFinished(() => second.close());
  const before = await readFile(join(dataFolder, 'keys.json'), 'utf8');
  const pemsOf = (text: string): string[] => [...text.matchAll(/-----BEGIN PRIVATE KEY-----[^"]+/g)].map(([pem]) => pem);
  for (const kind of ['statement', 'witness']) expect((await ask(central, '/api/keys/rotate', { kind })).status).toBe(200);
  await expect.poll(() => states(central, 'statement'), within).toEqual(['former', 'signing']);
  await expect.poll(() => second.keys.witness.verifier.keyId, within).toBe(central.keys.witness.verifier.keyId);
  await expect.poll(() => second.keys.statement.jwk.kid, within).toBe((await serverKeys(central)).keys.findLast(({ kind }) => kind === 'statement')?.name);
  const after = await readFile(join(dataFolder, 'keys.json'), 'utf8');
  expect([pemsOf(after).length, pemsOf(before).filter((pem) => after.includes(pem)).length]).toEqual([3, 1]);
  const third = await startTestCentral(central.options.databaseUrl, { dataFolder });
  expect(third.keys.witness.verifier.keyId).toBe(central.keys.witness.verifier.keyId);
  await third.close();
  // The data folder from before the rotation no longer fits the database.
  const backup = await newFolder();
  await writeFile(join(backup, 'keys.json'), before);
  await expect(startTestCentral(central.options.databaseUrl, { dataFolder: backup })).rejects.toThrow(/older than the database/);
});

test('the power fails between keys.json and the database: the extra key is dropped at the next start, and the old one signs', async () => {
  const { dataFolder, databaseUrl } = central.options;
  const signing = central.keys.statement.jwk.kid;
  const [extra, extraWitness] = [statementKey(generateKeyPairSync('ed25519').privateKey), witnessKey('demo', generateKeyPairSync('ed25519').privateKey)];
  await central.keys.signing.change(({ statement, witness }) => ({ statement: [...statement, extra], witness: [...witness, extraWitness] }));
  const again = await startTestCentral(databaseUrl, { dataFolder });
  onTestFinished(() => again.close());
  expect([again.keys.statement.jwk.kid, again.keys.signing.held().statement.length, again.keys.signing.held().witness.length]).toEqual([signing, 1, 1]);
});
