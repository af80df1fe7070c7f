import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, onTestFinished } from 'vitest';
import { policyBundle, type PolicyBundle } from '../../app/contract/policy-bundle.ts';
import type { ServerKeysView } from '../../app/contract/server-keys.ts';
import { auditBundle, type Audit } from '../../app/ledger/audit.ts';
import type { Store } from '../../app/storage/store.ts';
import { signInAsAdmin, type TestCentral } from '../central/demo-central.ts';
import { startWholeCart, type WholeCart } from './whole-cart.ts';

/** Under load a contact takes its time. */
export const within = { timeout: 20_000 };

export const synced = (store: Store): Promise<void> => expect.poll(() => store.size() - store.acked().size, within).toBe(0);

/** A folder that is gone with the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'station-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A cart with its first bundle; it ends with the test. */
export async function contactedCart(central: TestCentral, data: string): Promise<WholeCart> {
  const cart = await startWholeCart(central, data, central.clock.ms);
  onTestFinished(() => cart.stop().catch(() => undefined));
  await expect.poll(() => cart.store().view.get('cart', 'cart')?.bundle?.version, within).toBeGreaterThan(0);
  return cart;
}

/** As an administrator; a GET where there is no body. */
export async function ask(central: TestCentral, path: string, body?: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json', cookie: await signInAsAdmin(central) };
  return fetch(`${central.url}${path}`, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
}

export const serverKeys = async (central: TestCentral): Promise<ServerKeysView> => (await (await ask(central, '/api/keys')).json()) as ServerKeysView;
export const states = async (central: TestCentral, kind: string): Promise<string[]> => (await serverKeys(central)).keys.filter((key) => key.kind === kind).map(({ state }) => state);

/** What an auditor gets. */
export const published = (central: TestCentral, origin: string, resource: string): Promise<Response> => fetch(`${central.url}/log/${origin}/${resource}`, { headers: { authorization: `Bearer ${central.firstSecrets?.auditorToken ?? ''}` } });
export const exported = async (central: TestCentral, origin: string, policy?: string): Promise<Audit> => auditBundle([Buffer.from(await (await published(central, origin, 'bundle.tar')).arrayBuffer())], policy);

/** The newest policy bundle, as a compact JWS; nothing where none was issued. */
export const policyNow = async (central: TestCentral): Promise<string> => (await central.database.query<{ jws: string }>('select jws from bundle order by version desc limit 1')).rows[0]?.jws ?? '';

export async function policySays(central: TestCentral): Promise<PolicyBundle | undefined> {
  const jws = await policyNow(central);
  return jws === '' ? undefined : policyBundle.parse(decodeJwt(jws));
}
