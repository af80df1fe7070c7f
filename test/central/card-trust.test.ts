import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBundleStore } from '../../app/central/bundle.ts';
import { importDirectory } from '../../app/central/directory.ts';
import { policyBundle, type PolicyBundle } from '../../app/contract/policy-bundle.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { DIRECTORY_WITHOUT_PINS, startTestCentral, type TestCentral } from './demo-central.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

let postgres: TestPostgres;
let central: TestCentral;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

async function certificate(ca: boolean): Promise<x509.X509Certificate> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  return x509.X509CertificateGenerator.createSelfSigned({ name: `CN=${ca ? 'Badge office' : 'A card'}`, keys, signingAlgorithm: P256, notBefore: new Date(0), notAfter: new Date(4e12), extensions: [new x509.BasicConstraintsExtension(ca)] });
}

async function imported(cards: object): Promise<PolicyBundle> {
  central.clock.ms += 3_600_001;
  await importDirectory(central.database, central.keys, { ...DIRECTORY_WITHOUT_PINS, cards: cards as never });
  const made = await createBundleStore(central.database, central.keys, central.options.now).current();
  if (!made) throw new Error('there is no bundle');
  return policyBundle.parse(JSON.parse(Buffer.from(made.jws.split('.')[1] ?? '', 'base64url').toString()));
}

it('authorities of cards reach the carts as DER, whether the file has them as PEM or as base64, with what they revoked', async () => {
  const office = await certificate(true);
  const der = Buffer.from(office.rawData);
  const revoked = [{ authority: createHash('sha256').update(der).digest('hex'), serials: ['1F'] }];
  const expected = { authorities: [der.toString('base64')], revoked };
  const first = await imported({ authorities: [office.toString('pem')], revoked });
  expect(first.cards).toEqual(expected);
  expect((await imported({ authorities: [der.toString('base64')], revoked })).cards).toEqual(expected);
  const none = await imported({ authorities: [], revoked: [] });
  expect([none.cards, none.version > first.version]).toEqual([{ authorities: [], revoked: [] }, true]);
});

it('a file whose authority is no certificate, is one card, or revokes for a stranger is refused whole, and says which', async () => {
  const office = (await certificate(true)).toString('pem');
  const refused: readonly [object, string][] = [
    [{ authorities: [office, 'not one'], revoked: [] }, 'card authority 2 of the directory is not an X.509 certificate'],
    [{ authorities: [(await certificate(false)).toString('pem')], revoked: [] }, 'card authority 1 of the directory (CN=A card) is not the certificate of an authority'],
    [{ authorities: [office], revoked: [{ authority: 'ab'.repeat(32), serials: ['1'] }] }, 'which is not among its card authorities'],
  ];
  const before = (await central.database.query<{ cards: object }>('select cards from tenant')).rows;
  for (const [cards, message] of refused) await expect(imported(cards)).rejects.toThrow(message);
  expect((await central.database.query('select cards from tenant')).rows).toEqual(before);
});
