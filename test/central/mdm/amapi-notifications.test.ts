import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { receiveNotifications } from '../../../app/central/mdm/amapi/notifications.ts';
import type { ReceiveWebhook } from '../../../app/central/mdm/adapter.ts';

const NOW = Date.parse('2026-11-21T21:00:00Z');
const AUDIENCE = 'https://dockward.example.org/mdm/amapi';
const ACCOUNT = 'push@dockward.iam.gserviceaccount.com';
const DEVICE = 'enterprises/LC00dockward/devices/3a5f';
const GOOD: JWTPayload = { email: ACCOUNT, email_verified: true };

const used: string[] = [];
let receive: ReceiveWebhook;
let key: CryptoKey;
beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  key = pair.privateKey;
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'g1', alg: 'RS256' }] });
  receive = receiveNotifications({ audience: AUDIENCE, pushAccount: ACCOUNT, enterprise: 'LC00dockward', keys, now: () => NOW, used: ({ purpose }, outcome) => used.push(`${purpose}: ${outcome}`) });
});

async function bearer(claims: JWTPayload = GOOD, changes: { audience?: string; issuer?: string; atMs?: number; key?: CryptoKey } = {}): Promise<Record<string, string>> {
  const at = Math.floor((changes.atMs ?? NOW) / 1000);
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'g1' })
    .setIssuer(changes.issuer ?? 'https://accounts.google.com')
    .setAudience(changes.audience ?? AUDIENCE)
    .setIssuedAt(at)
    .setExpirationTime(at + 3600)
    .sign(changes.key ?? key);
  return { authorization: `Bearer ${token}` };
}

const message = (notificationType: string, data: unknown): Buffer =>
  Buffer.from(JSON.stringify({ message: { attributes: { notificationType }, data: Buffer.from(JSON.stringify(data)).toString('base64'), messageId: '2070443601311540', publishTime: '2026-11-21T20:59:59.749Z' }, subscription: 'projects/p/subscriptions/s' }));

describe('what the Android Management API publishes', () => {
  it.each<[string, unknown, unknown]>([
    ['STATUS_REPORT', { name: DEVICE, state: 'ACTIVE', hardwareInfo: { serialNumber: 'R52T' } }, { serials: ['R52T'], enrolments: [DEVICE] }],
    ['ENROLLMENT', { name: DEVICE, hardwareInfo: { serialNumber: 'R52T' } }, { serials: ['R52T'], enrolments: [DEVICE] }],
    ['COMMAND', { name: `${DEVICE}/operations/1700000000000`, done: true }, { serials: [], enrolments: [DEVICE] }],
    ['a device of another enterprise', { name: 'enterprises/LC99other/devices/3a5f' }, { serials: [], enrolments: [] }],
    ['the topic’s test message', {}, { serials: [], enrolments: [] }],
  ])('%s says whom to look at again', async (type, data, news) => {
    expect(await receive(message(type, data), await bearer())).toEqual({ ok: true, value: news });
  });

  it('a message is not evidence: it says nothing but whom it is about', async () => {
    const told = await receive(message('STATUS_REPORT', { name: DEVICE, state: 'DELETED', policyCompliant: true, hardwareInfo: { serialNumber: 'R52T' } }), await bearer());
    expect(told.ok && Object.keys(told.value)).toEqual(['serials', 'enrolments']);
  });

  it('what is no message of Pub/Sub is refused', async () => {
    expect(await receive(Buffer.from('hello'), await bearer())).toMatchObject({ ok: false, reason: { reason: 'malformed' } });
  });

  it.each<[string, () => Promise<Record<string, string>>]>([
    ['nobody signed', async () => ({})],
    ['signed by another key', async () => bearer(GOOD, { key: (await generateKeyPair('RS256')).privateKey })],
    ['another audience', () => bearer(GOOD, { audience: 'https://elsewhere.example.org' })],
    ['another issuer', () => bearer(GOOD, { issuer: 'https://accounts.example.org' })],
    ['another service account', () => bearer({ ...GOOD, email: 'somebody@else.iam.gserviceaccount.com' })],
    ['an address nobody verified', () => bearer({ email: ACCOUNT })],
    ['a token of yesterday', () => bearer(GOOD, { atMs: NOW - 86_400_000 })],
  ])('%s: refused, and told', async (_, headers) => {
    used.length = 0;
    expect(await receive(message('STATUS_REPORT', { name: DEVICE }), await headers())).toMatchObject({ ok: false, reason: { reason: 'unauthorized' } });
    expect(used).toEqual(['notification: unauthorized']);
  });
});
