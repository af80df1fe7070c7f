import { createHash } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import type { Queryable } from './database.ts';
import type { TenantKeys } from './keys.ts';
import { lockKeys } from './tenant-secrets.ts';

const DIRECT = { alg: 'dir', enc: 'A256GCM' } as const;
const bytesOf = (key: string): Buffer => Buffer.from(key, 'base64url');
const idOf = (key: string): string => createHash('sha256').update(bytesOf(key)).digest('hex').slice(0, 16);

/** What others gave us to keep, so that only keys.json and the database together can read it. `purpose` is bound in: it opens for no other. */
export async function seal(client: Queryable, keys: TenantKeys, purpose: string, value: unknown): Promise<string> {
  // The key is durably in the file before the database holds anything under it.
  await lockKeys(client);
  const key = await keys.sealing.make();
  return new CompactEncrypt(Buffer.from(JSON.stringify(value))).setProtectedHeader({ ...DIRECT, kid: idOf(key), typ: purpose }).encrypt(bytesOf(key));
}

/** Undefined: keys.json does not hold the key, or this was not sealed for `purpose`. Never throws with what is inside. */
export async function unseal(keys: TenantKeys, purpose: string, sealed: string): Promise<unknown> {
  const { kid, typ } = decodeProtectedHeader(sealed);
  const isTheirs = (key: string | undefined): key is string => key !== undefined && idOf(key) === kid;
  // Another process may have made it since.
  const key = [keys.sealing.held()].find(isTheirs) ?? [await keys.sealing.read()].find(isTheirs);
  if (key === undefined || typ !== purpose) return undefined;
  const opened = await compactDecrypt(sealed, bytesOf(key), { keyManagementAlgorithms: [DIRECT.alg], contentEncryptionAlgorithms: [DIRECT.enc] }).catch(() => undefined);
  return opened && (JSON.parse(Buffer.from(opened.plaintext).toString('utf8')) as unknown);
}
