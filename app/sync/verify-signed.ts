import { createHash } from 'node:crypto';
import { compactVerify, errors, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { policyBundle } from '../contract/policy-bundle.ts';
import { custodyClaims, statementClaims } from '../contract/statement.ts';
import type { ReceivedBundle, ReceivedStatement } from '../contract/network-event.ts';

/** Public Ed25519 keys that may sign for the tenant, by key id. */
export type ServerKeys = readonly { readonly kid: string; readonly x: string; readonly kty: 'OKP'; readonly crv: 'Ed25519' }[];

export interface Here {
  readonly tenant: string;
  readonly station: string;
}

const digestOf = (jws: string): string => createHash('sha256').update(jws).digest('hex');

/** Checks who signed a statement and that it has a statement's shape. Whom it concerns is the station's to judge. */
export async function verifyStatement(jws: string, keys: ServerKeys): Promise<ReceivedStatement> {
  const digest = digestOf(jws);
  const custody = await verified(jws, keys, 'dockward-custody+jwt');
  if (custody !== undefined) {
    const claims = custodyClaims.safeParse(custody);
    return claims.success ? { digest, custody: claims.data } : { digest, refusal: 'malformed' };
  }
  const payload = await verified(jws, keys, 'dockward-statement+jwt');
  if (payload === undefined) return { digest, refusal: 'signature' };
  const claims = statementClaims.safeParse(payload);
  return claims.success ? { digest, claims: claims.data } : { digest, refusal: 'malformed' };
}

/** A bundle is taken whole or not at all: signature, shape, tenant, station, expiry and a version that only goes up. */
export async function verifyBundle(jws: string, keys: ServerKeys, here: Here, heldVersion: number, nowMs: number): Promise<ReceivedBundle> {
  const digest = digestOf(jws);
  const payload = await verified(jws, keys, 'dockward-bundle+jwt');
  if (payload === undefined) return { digest, refusal: 'signature' };
  const bundle = policyBundle.safeParse(payload);
  if (!bundle.success) return { digest, refusal: 'malformed' };
  const { tenant, stations, version, expiresAtMs, staff } = bundle.data;
  if (tenant !== here.tenant) return { digest, refusal: 'tenant' };
  if (version < heldVersion) return { digest, refusal: 'version' };
  const revoked = { version, actors: staff.filter((person) => person.revoked).map(({ actor }) => actor) };
  if (!stations.includes(here.station)) return { digest, refusal: 'station', revoked };
  if (expiresAtMs <= nowMs) return { digest, refusal: 'expired', revoked };
  return { digest, jws, bundle: bundle.data };
}

const header = z.object({ alg: z.literal('EdDSA'), kid: z.string(), typ: z.string() });

async function verified(jws: string, keys: ServerKeys, typ: string): Promise<unknown> {
  try {
    const [encodedHeader = ''] = jws.split('.');
    const head = header.safeParse(JSON.parse(Buffer.from(encodedHeader, 'base64url').toString()));
    const key = head.success && head.data.typ === typ ? keys.find(({ kid }) => kid === head.data.kid) : undefined;
    if (!key) return undefined;
    const { payload } = await compactVerify(jws, await importJWK(key as JWK, 'EdDSA'), { algorithms: ['EdDSA'] });
    return JSON.parse(Buffer.from(payload).toString()) as unknown;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
