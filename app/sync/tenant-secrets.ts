import { compactDecrypt, errors, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { tenantSecrets, type TenantSecrets } from '../contract/station-http.ts';
import { refused, ok, type Result } from '../domain/result.ts';

/** The tenant's secrets out of a compact JWE for this private key. */
export async function openSecrets(jwe: string, encryptionKey: Record<string, unknown>): Promise<Result<TenantSecrets, string>> {
  try {
    const { plaintext } = await compactDecrypt(jwe, await importJWK(encryptionKey as JWK, 'ECDH-ES+A256KW'));
    return ok(tenantSecrets.parse(JSON.parse(Buffer.from(plaintext).toString())));
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError || error instanceof z.ZodError || error instanceof TypeError) return refused('the secrets that the server sent cannot be opened');
    throw error;
  }
}

/** The newest secrets, and beside them what only those before had: the same object until one of the two changes. */
export function createUsableSecrets(): (newest: TenantSecrets, before: TenantSecrets | undefined) => TenantSecrets {
  let last: { readonly newest: TenantSecrets; readonly before: TenantSecrets | undefined; readonly usable: TenantSecrets } | undefined;
  return (newest, before) => {
    if (last?.newest !== newest || last.before !== before) {
      const usable = before ? { version: newest.version, badgeKeys: joined(newest.badgeKeys, before.badgeKeys), peppers: joined(newest.peppers, before.peppers) } : newest;
      last = { newest, before, usable };
    }
    return last.usable;
  };
}

type Versions = TenantSecrets['badgeKeys'];

const joined = (newest: Versions, before: Versions): Versions => [...before.filter(({ version }) => !newest.some((each) => each.version === version)), ...newest];
