import { scrypt, timingSafeEqual } from 'node:crypto';
import type { StaffMember } from '../contract/policy-bundle.ts';
import type { TenantSecrets } from '../contract/station-http.ts';

/** OWASP's cost for scrypt: about 130 MB and 0.3 s a check, so `maxmem` must be raised and only one runs at a time. */
export const PIN_SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;

/** Checks PINs one after another on Node's thread pool; taps, returns and the screen go on meanwhile. */
export function createPinCheck(secrets: TenantSecrets): (pin: string, verifier: NonNullable<StaffMember['pin']>) => Promise<boolean> {
  let tail: Promise<unknown> = Promise.resolve();
  return (pin, verifier) => {
    const pepper = secrets.peppers.find(({ version }) => version === verifier.pepperVersion);
    if (!pepper) return Promise.resolve(false);
    const check = tail.then(() => derive(pin, Buffer.from(pepper.key, 'base64url'), Buffer.from(verifier.salt, 'hex')));
    // The one who asked hears of a failure; the next in line only waits for the end.
    tail = check.catch(() => undefined);
    return check.then((hash) => timingSafeEqual(hash, Buffer.from(verifier.hash, 'hex')));
  };
}

function derive(pin: string, pepper: Buffer, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(Buffer.concat([Buffer.from(pin), pepper]), salt, 32, PIN_SCRYPT, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}
