import type { ServerKeyKind } from '../contract/server-keys.ts';
import { openCosignature } from '../ledger/checkpoint.ts';
import { publicKeyFrom, rawPublicKey, verifierKey, type VerifierKey } from '../ledger/note.ts';
import type { Queryable } from './database.ts';
import { jwkOf, KeysMissing, witnessName, type ServerJwk, type SigningKeys, type StatementKey, type TenantKeys, type WitnessKey } from './keys.ts';
import { EVERY_STATION, type Wakener } from './wakener.ts';

/** The server's own keys as the database says at this moment. */
export interface ServerKeys {
  /** Signs statements and bundles. */
  readonly statement: StatementKey;
  /** Which stations are to believe, the signing one first. */
  readonly servers: readonly ServerJwk[];
  readonly formerServers: readonly ServerJwk[];
  /** Cosigns. */
  readonly witness: WitnessKey;
  /** Until when each one cosigned, Unix milliseconds. */
  readonly formerWitnesses: readonly { readonly key: VerifierKey; readonly untilMs: number }[];
}

export interface ServerKeyRow {
  readonly id: number;
  readonly kind: ServerKeyKind;
  readonly public_key: Buffer;
  readonly made_at_ms: number;
  readonly announced_version: number | null;
  readonly signing_at_ms: number | null;
  readonly retired_at_ms: number | null;
}

export async function readRows(client: Queryable, lock = ''): Promise<readonly ServerKeyRow[]> {
  return (await client.query<ServerKeyRow>(`select id, kind, public_key, made_at_ms, announced_version, signing_at_ms, retired_at_ms from server_key order by id ${lock}`)).rows;
}

export const rawOf = (key: StatementKey | WitnessKey): Buffer => rawPublicKey('jwk' in key ? publicKeyFrom(Buffer.from(key.jwk.x, 'base64url')) : key.verifier.publicKey);
const signingRow = (rows: readonly ServerKeyRow[], kind: ServerKeyKind): ServerKeyRow | undefined => rows.findLast((row) => row.kind === kind && row.signing_at_ms !== null && row.retired_at_ms === null);

/**
 * Which keys sign now; this process signs with them from here on. Where the database knows a key that this process does not, another
 * process made it: the file has had it since before the database did. `holding`: no key leaves before the transaction of `client` ends.
 */
export async function serverKeys(client: Queryable, keys: TenantKeys, holding?: 'holding'): Promise<ServerKeys> {
  const rows = await readRows(client, holding ? 'for share' : '');
  const pick = ({ statement, witness }: SigningKeys): { statement: StatementKey; witness: WitnessKey } | undefined => {
    const found = { statement: statement.find((key) => signingRow(rows, 'statement')?.public_key.equals(rawOf(key))), witness: witness.find((key) => signingRow(rows, 'witness')?.public_key.equals(rawOf(key))) };
    return found.statement && found.witness ? { statement: found.statement, witness: found.witness } : undefined;
  };
  const signing = pick(keys.signing.held()) ?? pick(await keys.signing.read());
  if (!signing) throw new KeysMissing('The database signs with a key that keys.json does not hold: that file is older than the database. Restore the newest keys.json. Nothing was changed.');
  keys.signing.use(signing.statement, signing.witness);
  const statements = rows.filter(({ kind }) => kind === 'statement').map((row) => ({ ...row, jwk: jwkOf(row.public_key) }));
  return {
    ...signing,
    servers: statements.filter(({ retired_at_ms }) => retired_at_ms === null).map(({ jwk }) => jwk).sort(({ kid }) => (kid === signing.statement.jwk.kid ? -1 : 1)),
    formerServers: statements.filter(({ retired_at_ms }) => retired_at_ms !== null).map(({ jwk }) => jwk),
    formerWitnesses: rows.flatMap(({ kind, public_key, retired_at_ms }) => (kind === 'witness' && retired_at_ms !== null ? [{ key: witnessVerifier(keys.tenant, public_key), untilMs: retired_at_ms }] : [])),
  };
}

export const witnessVerifier = (tenant: string, raw: Buffer): VerifierKey => verifierKey(witnessName(tenant), publicKeyFrom(raw), 'cosignature');

/** The key of the witness that cosigned this note: a ledger that has ended still bears the line of an older one. */
export async function witnessOf(client: Queryable, keys: TenantKeys, note: string): Promise<VerifierKey> {
  const { witness, formerWitnesses } = await serverKeys(client, keys);
  return [witness.verifier, ...formerWitnesses.map(({ key }) => key)].find((key) => openCosignature(note, key).ok) ?? witness.verifier;
}

/** At a start, under the lock: a database that knows no keys yet takes the first of the file; what is not live leaves the file. */
export async function settleServerKeys(client: Queryable, keys: TenantKeys, nowMs: number): Promise<void> {
  if ((await readRows(client)).length === 0) {
    for (const [kind, key] of [['statement', keys.statement], ['witness', keys.witness]] as const) {
      await client.query('insert into server_key (kind, public_key, made_at_ms, announced_version, signing_at_ms) values ($1, $2, $3, 0, $3)', [kind, rawOf(key), nowMs]);
    }
  }
  await serverKeys(client, keys);
  await dropFormer(client, keys);
}

/** Takes the private halves out of keys.json that nothing is signed by. The caller holds the lock; repeating it changes nothing. */
export async function dropFormer(client: Queryable, keys: TenantKeys): Promise<void> {
  const rows = await readRows(client);
  const isLive = (key: StatementKey | WitnessKey): boolean => rows.some(({ public_key, retired_at_ms }) => retired_at_ms === null && public_key.equals(rawOf(key)));
  const live = ({ statement, witness }: SigningKeys): SigningKeys => ({ statement: statement.filter(isLive), witness: witness.filter(isLive) });
  const held = await keys.signing.read();
  const kept = live(held);
  if (kept.statement.length < held.statement.length || kept.witness.length < held.witness.length) await keys.signing.change(live);
}

/** Keeps a process that only cosigns up to date: it looks whenever something is announced to all stations, and every minute. */
export async function followServerKeys(database: Queryable, keys: TenantKeys, wakener: Wakener, stopped: AbortSignal, told: (error: unknown) => void): Promise<void> {
  while (!stopped.aborted) {
    await wakener.wait([EVERY_STATION], LOOK_AGAIN_MS, stopped);
    if (!stopped.aborted) await serverKeys(database, keys).catch(told);
  }
}
const LOOK_AGAIN_MS = 60_000;
