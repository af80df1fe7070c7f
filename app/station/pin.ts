import { scrypt, timingSafeEqual } from 'node:crypto';
import type { PinVerifier } from '../contract/policy-bundle.ts';
import type { TenantSecrets } from '../contract/station-http.ts';

/** OWASP's cost for scrypt: about 130 MB and 0.3 s a check, so `maxmem` must be raised and only one runs at a time. */
export const PIN_SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;

export interface PinChecks {
  /** Whether this station has the pepper of the verifier: without it no PIN is right, and none is tried. */
  knows(verifier: PinVerifier): boolean;
  check(pin: string, verifier: PinVerifier): Promise<boolean>;
  /** For a PIN that was right: its verifier under the newest pepper, made once nobody waits for a check. Nothing where it is under the newest already. */
  renew(pin: string, verifier: PinVerifier): Promise<PinVerifier | undefined>;
}

/** Works on PINs one after another on Node's thread pool; taps, returns and the screen go on meanwhile. `newSalt`: 128 random bits, hex. */
export function createPinChecks(secrets: () => TenantSecrets, newSalt: () => string): PinChecks {
  const waiting: { readonly checks: Job[]; readonly renewals: Job[] } = { checks: [], renewals: [] };
  let busy = false;
  const next = (): void => {
    const job = busy ? undefined : (waiting.checks.shift() ?? waiting.renewals.shift());
    if (!job) return;
    busy = true;
    job().finally(() => {
      busy = false;
      next();
    });
  };
  const queued = (lane: keyof typeof waiting, pin: string, pepper: string, salt: string): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      waiting[lane].push(() => derive(pin, Buffer.from(pepper, 'base64url'), Buffer.from(salt, 'hex')).then(resolve, reject));
      next();
    });
  const pepperOf = ({ pepperVersion }: PinVerifier): string | undefined => secrets().peppers.find(({ version }) => version === pepperVersion)?.key;

  return {
    knows: (verifier) => pepperOf(verifier) !== undefined,
    check: async (pin, verifier) => {
      const pepper = pepperOf(verifier);
      return pepper !== undefined && timingSafeEqual(await queued('checks', pin, pepper, verifier.salt), Buffer.from(verifier.hash, 'hex'));
    },
    renew: async (pin, verifier) => {
      const newest = secrets().peppers.toSorted((a, b) => a.version - b.version).at(-1);
      if (!newest || newest.version <= verifier.pepperVersion) return undefined;
      const salt = newSalt();
      return { salt, hash: (await queued('renewals', pin, newest.key, salt)).toString('hex'), pepperVersion: newest.version };
    },
  };
}

type Job = () => Promise<void>;

function derive(pin: string, pepper: Buffer, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(Buffer.concat([Buffer.from(pin), pepper]), salt, 32, PIN_SCRYPT, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}
