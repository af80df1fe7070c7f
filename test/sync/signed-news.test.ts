import { CompactSign } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { verifyBundle, verifyStatement } from '../../app/sync/verify-signed.ts';
import { HERE, policy, tablet } from '../support/ward-policy.ts';
import { signer, type Signer } from './signed-by.ts';

const NOW_MS = Date.UTC(2027, 0, 4, 12);
const BUNDLE = 'dockward-bundle+jwt';
const STATEMENT = 'dockward-statement+jwt';
const bundle = (change: object = {}) => ({ ...policy({ version: 7, issuedAtMs: NOW_MS, devices: [tablet('T1')] }), ...change });
const claims = (change: object = {}) => ({ ...HERE, serial: 'T1', request: 'r1', nonce: 'ab'.repeat(16), issuedAtMs: NOW_MS, facts: { kind: 'credentials-revoked', previous: 'old' }, ...change });

let server: Signer;
let stranger: Signer;
beforeAll(async () => {
  [server, stranger] = await Promise.all([signer(), signer()]);
});

const judge = (jws: string) => verifyBundle(jws, server.keys, HERE, 6, NOW_MS);
/** Swaps one character of a part of the JWS for another. */
const tampered = (jws: string, part: 0 | 2): string => jws.split('.').map((text, n) => (n === part ? `${text.slice(0, 20)}${text[20] === 'A' ? 'B' : 'A'}${text.slice(21)}` : text)).join('.');

test('the next bundle of this tenant for this station: taken whole, with its digest', async () => {
  const jws = await server.sign(BUNDLE, bundle());
  expect(await judge(jws)).toMatchObject({ jws, bundle: { version: 7, tenant: 'mercy' }, digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
});

test.each([
  ['a lower version than the one held', { version: 5 }, 'version'],
  ['another tenant’s', { tenant: 'other' }, 'tenant'],
  ['not meant for this station', { stations: ['cart-8'] }, 'station'],
  ['run out', { expiresAtMs: NOW_MS }, 'expired'],
  ['without rules', { rules: undefined }, 'malformed'],
  ['with a word that is not in the contract', { also: 'this' }, 'malformed'],
  ['with a leaf of the gate that nobody knows', { rules: { ...bundle().rules, mandatoryLeaves: ['standing', 'vibes'] } }, 'malformed'],
] as const)('a well-signed bundle that is %s: refused', async (_, change, refusal) => {
  expect(await judge(await server.sign(BUNDLE, bundle(change)))).toMatchObject({ refusal });
});

test('the version that is held already is no news, but no lie either', async () => {
  expect(await judge(await server.sign(BUNDLE, bundle({ version: 6 })))).toMatchObject({ bundle: { version: 6 } });
});

test('a bundle that somebody else signed, under the server’s key id', async () => {
  expect(await judge(await stranger.sign(BUNDLE, bundle()))).toMatchObject({ refusal: 'signature' });
});

test('a bundle under a key id that the enrolment does not name', async () => {
  expect(await judge(await server.sign(BUNDLE, bundle(), { kid: 'k2' }))).toMatchObject({ refusal: 'signature' });
});

test('the payload is exchanged for one that raises its version, under the old signature', async () => {
  const [head = '', , signature = ''] = (await server.sign(BUNDLE, bundle())).split('.');
  expect(await judge(`${head}.${Buffer.from(JSON.stringify(bundle({ version: 8 }))).toString('base64url')}.${signature}`)).toMatchObject({ refusal: 'signature' });
});

test.each([0, 2] as const)('one character of part %i of the bundle is changed on the way', async (part) => {
  expect(await judge(tampered(await server.sign(BUNDLE, bundle()), part))).toMatchObject({ refusal: 'signature' });
});

test('a statement passed off as a bundle, and the other way round: its kind is signed too', async () => {
  expect(await judge(await server.sign(STATEMENT, bundle()))).toMatchObject({ refusal: 'signature' });
  expect(await verifyStatement(await server.sign(BUNDLE, claims()), server.keys)).toMatchObject({ refusal: 'signature' });
});

test('no algorithm, and a MAC under the server’s public key: neither is a signature', async () => {
  const { x = '' } = server.keys[0] ?? {};
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  expect(await judge(`${encode({ alg: 'none', kid: 'k1', typ: BUNDLE })}.${encode(bundle())}.`)).toMatchObject({ refusal: 'signature' });
  const mac = await new CompactSign(Buffer.from(JSON.stringify(bundle()))).setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: BUNDLE }).sign(Buffer.from(x, 'base64url'));
  expect(await judge(mac)).toMatchObject({ refusal: 'signature' });
});

test.each(['', '.', '..', 'not a jws', 'a.b.c', '{}', `${'A'.repeat(10_000)}.b.c`, Buffer.from('"text"').toString('base64url') + '.e30.e30'])('nonsense instead of a JWS (%#): refused, not thrown', async (text) => {
  expect(await judge(text)).toMatchObject({ refusal: 'signature' });
  expect(await verifyStatement(text, server.keys)).toMatchObject({ refusal: 'signature' });
});

test('well signed and not JSON: refused, not thrown', async () => {
  expect(await judge(await server.sign(BUNDLE, 'certainly not'))).toMatchObject({ refusal: 'signature' });
});

test('a statement: whoever it is for, a good one is handed on for the station to judge', async () => {
  expect(await verifyStatement(await server.sign(STATEMENT, claims({ station: 'cart-8' })), server.keys)).toMatchObject({ claims: { station: 'cart-8' } });
});

test.each([
  ['without a nonce', { nonce: undefined }],
  ['with a fact that nobody knows', { facts: { kind: 'looks-clean' } }],
  ['with a number where a name belongs', { facts: { kind: 'credentials-revoked', previous: 7 } }],
])('a well-signed statement %s: malformed', async (_, change) => {
  expect(await verifyStatement(await server.sign(STATEMENT, claims(change)), server.keys)).toMatchObject({ refusal: 'malformed' });
});

test('a statement that somebody else signed', async () => {
  expect(await verifyStatement(await stranger.sign(STATEMENT, claims()), server.keys)).toMatchObject({ refusal: 'signature' });
});

const custody = (change: object = {}) => ({ ...HERE, serial: 'T1', release: 'rel-1', issuedAtMs: NOW_MS, fact: { kind: 'returned-elsewhere', atStation: 'cart-8', origin: 'mercy/station/cart-8/e1', seq: 4, leaf: 'ab'.repeat(32), claimedMs: NOW_MS }, ...change });
const CUSTODY = 'dockward-custody+jwt';

test('a custody statement: handed on with its kind; under another kind’s name it is none', async () => {
  expect(await verifyStatement(await server.sign(CUSTODY, custody()), server.keys)).toMatchObject({ custody: { release: 'rel-1', fact: { seq: 4 } }, digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect(await verifyStatement(await server.sign(STATEMENT, custody()), server.keys)).toMatchObject({ refusal: 'malformed' });
  expect(await verifyStatement(await server.sign(CUSTODY, claims()), server.keys)).toMatchObject({ refusal: 'malformed' });
});

test.each([
  ['without a release', { release: undefined }],
  ['with a leaf that is none', { fact: { ...custody().fact, leaf: 'zz' } }],
  ['with a word that is not in the contract', { also: 'this' }],
])('a well-signed custody statement %s: malformed', async (_, change) => {
  expect(await verifyStatement(await server.sign(CUSTODY, custody(change)), server.keys)).toMatchObject({ refusal: 'malformed' });
});

test('a custody statement that somebody else signed, or changed on the way', async () => {
  expect(await verifyStatement(await stranger.sign(CUSTODY, custody()), server.keys)).toMatchObject({ refusal: 'signature' });
  for (const part of [0, 2] as const) expect(await verifyStatement(tampered(await server.sign(CUSTODY, custody()), part), server.keys)).toMatchObject({ refusal: 'signature' });
});

test('a bundle of this server that has run out, or leaves this station out: refused, but whom it revokes is handed on', async () => {
  const staff = bundle().staff.map((person, n) => ({ ...person, revoked: n === 0 }));
  const revoked = { version: 7, actors: [staff[0]?.actor] };
  expect(await judge(await server.sign(BUNDLE, bundle({ staff, expiresAtMs: NOW_MS })))).toMatchObject({ refusal: 'expired', revoked });
  expect(await judge(await server.sign(BUNDLE, bundle({ staff, stations: ['cart-8'] })))).toMatchObject({ refusal: 'station', revoked });
  expect(await judge(await stranger.sign(BUNDLE, bundle({ staff, expiresAtMs: NOW_MS })))).not.toHaveProperty('revoked');
  expect(await judge(await server.sign(BUNDLE, bundle({ staff, version: 5 })))).not.toHaveProperty('revoked');
});
