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
  statementKeyPem: z.string(),
  witnessKeyPem: z.string(),
  badgeKeys: z.array(symmetric).min(1),
  peppers: z.array(symmetric).min(1),
});

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
  /** Signs statements and bundles. */
  readonly statement: { readonly key: KeyObject; readonly jwk: ServerJwk };
  readonly witness: { readonly verifier: VerifierKey; readonly key: KeyObject };
  readonly secrets: TenantSecrets;
  /** Digest of what is public of them, plus hashes of the shared secrets: tells two key sets apart. */
  readonly digest: string;
}

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
  if (text !== undefined) {
    const parsed = keysFile.safeParse(parseJson(text));
    if (!parsed.success) throw new KeysMissing(`${file} is damaged. Restore it from the backup; without it no station can be reached. It was not changed.`);
    return unpack(parsed.data);
  }
  if (!mayMake) throw new KeysMissing(`${file} is missing, and this database was made with other keys. Start with the data folder that belongs to it, or restore the file from the backup.`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await makeKeys(tenant);
  await writeDurably(file, `${JSON.stringify(made, null, 2)}\n`);
  return unpack(made);
}

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
}

async function makeKeys(tenant: string): Promise<z.infer<typeof keysFile>> {
  const authority = await createAuthority(tenant);
  const ed25519 = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const symmetricKey = (): { version: number; key: string } => ({ version: 1, key: randomBytes(32).toString('base64url') });
  return {
    about: 'Secret keys of the Dockward server. Protected by file permissions only: keep it 0600, back it up apart from the database.',
    tenant,
    authorityKeyPem: authority.keyPem,
    authorityCertificatePem: authority.certificatePem,
    statementKeyPem: ed25519(),
    witnessKeyPem: ed25519(),
    badgeKeys: [symmetricKey()],
    peppers: [symmetricKey()],
  };
}

function unpack(file: z.infer<typeof keysFile>): TenantKeys {
  const statementKey = createPrivateKey(file.statementKeyPem);
  const witnessKey = createPrivateKey(file.witnessKeyPem);
  const x = rawPublicKey(createPublicKey(file.statementKeyPem)).toString('base64url');
  const witness = verifierKey(`${file.tenant}/witness`, witnessKey, 'cosignature');
  const jwk: ServerJwk = { kid: createHash('sha256').update(x).digest('hex').slice(0, 16), x, kty: 'OKP', crv: 'Ed25519' };
  const digest = createHash('sha256').update(JSON.stringify([file.tenant, file.authorityCertificatePem, x, rawPublicKey(witness.publicKey).toString('hex'), file.badgeKeys, file.peppers])).digest('hex');
  return {
    tenant: file.tenant,
    authority: { keyPem: file.authorityKeyPem, certificatePem: file.authorityCertificatePem },
    statement: { key: statementKey, jwk },
    witness: { verifier: witness, key: witnessKey },
    secrets: { badgeKeys: file.badgeKeys, peppers: file.peppers },
    digest,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
