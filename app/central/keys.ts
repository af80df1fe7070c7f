import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TenantSecrets } from '../contract/station-http.ts';
import { rawPublicKey, verifierKey, type VerifierKey } from '../ledger/note.ts';
import { createAuthority } from './authority.ts';

const symmetric = z.strictObject({ version: z.int().min(1), key: z.string() });
const keysFile = z.strictObject({
  about: z.string(),
  tenant: z.string(),
  authorityKeyPem: z.string(),
  authorityCertificatePem: z.string(),
  /** The first of each; a key that was made later stands in `signingKeys`, and one that has left is in neither. */
  statementKeyPem: z.string().optional(),
  witnessKeyPem: z.string().optional(),
  /** Made by rotation, oldest first. */
  signingKeys: z.strictObject({ statement: z.array(z.string()), witness: z.array(z.string()) }).default({ statement: [], witness: [] }),
  /** What tells this key set from others, since its first rotation. */
  keySetDigest: z.string().optional(),
  badgeKeys: z.array(symmetric).min(1),
  peppers: z.array(symmetric).min(1),
  /** Grows with every change to these two. */
  secretsVersion: z.int().min(1).default(1),
  /** Seals what others gave to keep (`sealing.ts`); made when it is first needed. */
  sealingKey: z.string().optional(),
});
type KeysFile = z.infer<typeof keysFile>;

export interface ServerJwk {
  readonly kid: string;
  readonly x: string;
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
}

/** Everything secret that one tenant's server holds. It leaves this process only inside certificates, signatures and JWEs. */
export interface TenantKeys {
  readonly tenant: string;
  readonly authority: { readonly keyPem: string; readonly certificatePem: string };
  /** Signs statements and bundles: the one that this process last knew to do so (`server-keys.ts`). */
  readonly statement: StatementKey;
  /** Cosigns, likewise. */
  readonly witness: WitnessKey;
  readonly signing: SigningKeysOnDisk;
  readonly secrets: SecretsOnDisk;
  readonly sealing: SealingOnDisk;
  /** Digest of what is public of them: tells two key sets apart. */
  readonly digest: string;
  /** The digest by which servers before rotation knew these keys. */
  readonly digestBeforeRotation: string;
}

export interface StatementKey {
  readonly key: KeyObject;
  readonly jwk: ServerJwk;
}
export interface WitnessKey {
  readonly verifier: VerifierKey;
  readonly key: KeyObject;
}
export interface SigningKeys {
  readonly statement: readonly StatementKey[];
  readonly witness: readonly WitnessKey[];
}

/** The statement and witness keys in keys.json, oldest first. Which of them sign stands in the database (`server-keys`). */
export interface SigningKeysOnDisk {
  /** As this process last read or wrote them. */
  held(): SigningKeys;
  /** As the file has them now: another process may have changed it. */
  read(): Promise<SigningKeys>;
  /** Changes the file durably. The caller holds KEYS_LOCK. */
  change(next: (held: SigningKeys) => SigningKeys): Promise<SigningKeys>;
  /** From here on this process signs with these two. */
  use(statement: StatementKey, witness: WitnessKey): void;
}

/**
 * The badge keys and peppers in keys.json. Which of them are live stands in the database (`tenant-secrets`): the file holds more
 * after a rotation or a retirement was cut short.
 */
export interface SecretsOnDisk {
  /** As this process last read or wrote them. */
  held(): TenantSecrets;
  /** As the file has them now: another process may have changed it. */
  read(): Promise<TenantSecrets>;
  /** Changes the file durably. The caller holds KEYS_LOCK, so that no two processes write it at once. */
  change(next: (held: TenantSecrets) => TenantSecrets): Promise<TenantSecrets>;
}

/** The key in keys.json that seals what others gave to keep: 32 bytes, base64url. */
export interface SealingOnDisk {
  /** As this process last read or made it. */
  held(): string | undefined;
  /** As the file has it now: another process may have made it. */
  read(): Promise<string | undefined>;
  /** The one of the file; a new one, durably written, where it has none. The caller holds KEYS_LOCK. */
  make(): Promise<string>;
}

/** Advisory lock in the database of whoever makes or changes keys.json. */
export const KEYS_LOCK = 0x446f_636b6;

/** The keys cannot be had; the message says what to do. */
export class KeysMissing extends Error {}

/**
 * Reads the tenant's keys from `folder`, or makes them where that is allowed: at the first start. The file is 0600 and written whole or not
 * at all; a file that cannot be read is an error, never a reason to make new keys.
 */
export async function openKeys(folder: string, tenant: string, mayMake: boolean): Promise<TenantKeys> {
  const file = path.join(folder, 'keys.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return unpack(file, parseKeys(file, text));
  if (!mayMake) throw new KeysMissing(`${file} is missing, and this database was made with other keys. Start with the data folder that belongs to it, or restore the file from the backup.`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await makeKeys(tenant);
  await writeKeys(file, made);
  return unpack(file, made);
}

function parseKeys(file: string, text: string): KeysFile {
  const parsed = keysFile.safeParse(parseJson(text));
  if (!parsed.success) throw new KeysMissing(`${file} is damaged. Restore it from the backup; without it no station can be reached. It was not changed.`);
  return parsed.data;
}

const writeKeys = (file: string, keys: KeysFile): Promise<void> => writeDurably(file, `${JSON.stringify(keys, null, 2)}\n`);

/** Writes a 0600 file so that after a power cut it holds the old text or the new one, whole. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(fresh, 0o600);
  await rename(fresh, file);
  // Only now the name survives a power cut too.
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function makeKeys(tenant: string): Promise<KeysFile> {
  const authority = await createAuthority(tenant);
  const ed25519 = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    about: 'Secret keys of the Dockward server. Protected by file permissions only: keep it 0600, back it up apart from the database.',
    tenant,
    authorityKeyPem: authority.keyPem,
    authorityCertificatePem: authority.certificatePem,
    statementKeyPem: ed25519(),
    witnessKeyPem: ed25519(),
    signingKeys: { statement: [], witness: [] },
    badgeKeys: [newSecret(1)],
    peppers: [newSecret(1)],
    secretsVersion: 1,
  };
}

export const newSecret = (version: number): TenantSecrets['peppers'][number] => ({ version, key: randomBytes(32).toString('base64url') });

function unpack(path: string, file: KeysFile): TenantKeys {
  const first = (secrets: TenantSecrets['peppers']): TenantSecrets['peppers'] => secrets.filter(({ version }) => version === 1);
  const { statement: [statement], witness: [witness] } = signingKeysIn(file);
  if (!statement || !witness) throw new KeysMissing(`${path} holds no key to sign with. Restore it from the backup. It was not changed.`);
  let current = { statement, witness };
  return {
    tenant: file.tenant,
    authority: { keyPem: file.authorityKeyPem, certificatePem: file.authorityCertificatePem },
    get statement() {
      return current.statement;
    },
    get witness() {
      return current.witness;
    },
    signing: signingKeysOnDisk(path, file, (keys) => (current = keys)),
    secrets: secretsOnDisk(path, file),
    sealing: sealingOnDisk(path, file),
    digest: file.keySetDigest ?? digestOf(publicParts(file)),
    digestBeforeRotation: digestOf([...publicParts(file), first(file.badgeKeys), first(file.peppers)]),
  };
}

const publicParts = (file: KeysFile): readonly unknown[] => {
  const { statement: [statement], witness: [witness] } = signingKeysIn(file);
  return [file.tenant, file.authorityCertificatePem, statement?.jwk.x, witness && rawPublicKey(witness.verifier.publicKey).toString('hex')];
};
const digestOf = (parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

const pems = (first: string | undefined, later: readonly string[]): readonly string[] => (first === undefined ? later : [first, ...later]);
const pemOf = ({ key }: { readonly key: KeyObject }): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const signingKeysIn = ({ tenant, statementKeyPem, witnessKeyPem, signingKeys }: KeysFile): SigningKeys => ({
  statement: pems(statementKeyPem, signingKeys.statement).map((pem) => statementKey(createPrivateKey(pem))),
  witness: pems(witnessKeyPem, signingKeys.witness).map((pem) => witnessKey(tenant, createPrivateKey(pem))),
});

export function statementKey(key: KeyObject): StatementKey {
  return { key, jwk: jwkOf(rawPublicKey(createPublicKey(key))) };
}

/** Of the 32 raw bytes of a public key. */
export function jwkOf(raw: Buffer): ServerJwk {
  const x = raw.toString('base64url');
  return { kid: createHash('sha256').update(x).digest('hex').slice(0, 16), x, kty: 'OKP', crv: 'Ed25519' };
}

export const witnessName = (tenant: string): string => `${tenant}/witness`;
export const witnessKey = (tenant: string, key: KeyObject): WitnessKey => ({ key, verifier: verifierKey(witnessName(tenant), key, 'cosignature') });

function signingKeysOnDisk(path: string, file: KeysFile, use: (keys: { statement: StatementKey; witness: WitnessKey }) => void): SigningKeysOnDisk {
  let held = signingKeysIn(file);
  const readFileNow = async (): Promise<KeysFile> => parseKeys(path, await readFile(path, 'utf8'));
  return {
    held: () => held,
    read: async () => (held = signingKeysIn(await readFileNow())),
    change: async (next) => {
      const now = await readFileNow();
      const { statement, witness } = next(signingKeysIn(now));
      const { statementKeyPem: _first, witnessKeyPem: _firstToo, ...rest } = now;
      await writeKeys(path, { ...rest, signingKeys: { statement: statement.map(pemOf), witness: witness.map(pemOf) }, keySetDigest: now.keySetDigest ?? digestOf(publicParts(now)) });
      return (held = { statement, witness });
    },
    use: (statement, witness) => use({ statement, witness }),
  };
}

function secretsOnDisk(path: string, file: KeysFile): SecretsOnDisk {
  const secretsIn = ({ secretsVersion: version, badgeKeys, peppers }: KeysFile): TenantSecrets => ({ version, badgeKeys, peppers });
  let held = secretsIn(file);
  const readFileNow = async (): Promise<KeysFile> => parseKeys(path, await readFile(path, 'utf8'));
  return {
    held: () => held,
    read: async () => (held = secretsIn(await readFileNow())),
    change: async (next) => {
      const now = await readFileNow();
      const { version: secretsVersion, badgeKeys, peppers } = next(secretsIn(now));
      const changed = { ...now, badgeKeys, peppers, secretsVersion };
      await writeKeys(path, changed);
      return (held = secretsIn(changed));
    },
  };
}

function sealingOnDisk(path: string, file: KeysFile): SealingOnDisk {
  let held = file.sealingKey;
  const readFileNow = async (): Promise<KeysFile> => parseKeys(path, await readFile(path, 'utf8'));
  return {
    held: () => held,
    read: async () => (held = (await readFileNow()).sealingKey),
    make: async () => {
      const now = await readFileNow();
      const sealingKey = now.sealingKey ?? randomBytes(32).toString('base64url');
      if (now.sealingKey === undefined) await writeKeys(path, { ...now, sealingKey });
      return (held = sealingKey);
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
