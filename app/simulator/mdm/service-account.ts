import { createPrivateKey, createPublicKey, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';

/** A service account key file in the vendor's shape; whoever holds it can wipe tablets. */
export interface ServiceAccountFile {
  readonly type: 'service_account';
  readonly project_id: string;
  readonly private_key_id: string;
  readonly private_key: string;
  readonly client_email: string;
  readonly client_id: string;
  readonly token_uri: string;
}
export interface ServiceAccount {
  readonly file: ServiceAccountFile;
  readonly publicKeyPem: string;
}

/** A service account with a new key, or with the key of an earlier file. */
export function makeServiceAccount(tokenUri: string, earlier?: Pick<ServiceAccountFile, 'private_key' | 'private_key_id'>): ServiceAccount {
  const key = earlier ? createPrivateKey(earlier.private_key) : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return {
    file: {
      type: 'service_account',
      project_id: 'dockward-simulator',
      private_key_id: earlier?.private_key_id ?? randomBytes(20).toString('hex'),
      private_key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: 'dockward@dockward-simulator.iam.gserviceaccount.com',
      client_id: '100000000000000000001',
      token_uri: tokenUri,
    },
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  };
}

const SCOPE = 'https://www.googleapis.com/auth/androidmanagement';
/** The vendor's hour. */
const LONGEST_ASSERTION_S = 3600;
/** How far an assertion's times may be from the token server's clock. */
const TOLERANCE_S = 300;

/** Why an assertion earns no token, in the vendor's words; undefined: it is good. `nowMs` is the token server's clock. */
export function assertionFault(assertion: string, account: ServiceAccount, nowMs: number): string | undefined {
  const [head, body, signature, ...rest] = assertion.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) return 'Bad Request';
  const header = readPart(head);
  const claims = readPart(body);
  if (!header || !claims || header['alg'] !== 'RS256') return 'Invalid JWT Signature.';
  if (!createVerify('RSA-SHA256').update(`${head}.${body}`).verify(account.publicKeyPem, signature, 'base64url')) return 'Invalid JWT Signature.';
  if (claims['iss'] !== account.file.client_email) return 'Invalid grant: account not found';
  if (claims['aud'] !== account.file.token_uri) return 'Invalid JWT: Failed audience check.';
  if (claims['scope'] !== SCOPE) return 'Invalid OAuth scope or ID token audience provided.';
  const { iat, exp } = claims;
  const now = nowMs / 1000;
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > LONGEST_ASSERTION_S || iat > now + TOLERANCE_S || exp < now - TOLERANCE_S) {
    return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.';
  }
  return undefined;
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
