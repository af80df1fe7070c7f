import { createECDH, type KeyObject } from 'node:crypto';

/** Orders of the groups (FIPS 186-4, D.1.2). */
const CURVES = {
  prime256v1: { bytes: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  secp384r1: { bytes: 48, order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n },
} as const;

const positive = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

function inverse(value: bigint, modulus: bigint): bigint {
  let [x, y, u, v] = [positive(value, modulus), modulus, 1n, 0n];
  while (x > 1n) {
    const quotient = y / x;
    [x, y, u, v] = [y % x, x, v - quotient * u, u];
  }
  return positive(u, modulus);
}

/** ECDSA over a digest as it is, which cards do and OpenSSL hides; DER. For test cards only: not constant in time. */
export function rawEcdsa(key: KeyObject, digest: Buffer): Buffer {
  const curve = key.asymmetricKeyDetails?.namedCurve as keyof typeof CURVES;
  const { bytes, order } = CURVES[curve];
  const secret = BigInt(`0x${Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex')}`);
  const hash = BigInt(`0x${digest.toString('hex')}`);
  for (;;) {
    const once = createECDH(curve);
    once.generateKeys();
    const r = BigInt(`0x${once.getPublicKey('hex').slice(2, 2 + bytes * 2)}`) % order;
    const s = positive(inverse(BigInt(`0x${once.getPrivateKey('hex')}`), order) * (hash + r * secret), order);
    if (r === 0n || s === 0n) continue;
    const body = Buffer.concat([derInteger(r), derInteger(s)]);
    return Buffer.concat([Buffer.from([0x30, body.length]), body]);
  }
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const signed = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, signed.length]), signed]);
}
