import { X509Certificate } from 'node:crypto';
import { signingKey, type SigningKey } from './piv-card.ts';
import { tlvAt, tlvList, valueAt } from './piv-tlv.ts';

/** What a certificate says, as far as cards and their authorities are judged by it. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** Upper-case hex without leading zeros. */
  readonly serial: string;
  /** Object identifiers of its extended key usage; empty where it has none. */
  readonly purposes: readonly string[];
  /** False where its key usage does not allow signatures. */
  readonly maySign: boolean;
  /** How many authorities may stand between it and a card. */
  readonly pathLength: number;
  /** False with a critical extension that is not understood here, or a signature by an algorithm that no longer proves anything. */
  readonly understood: boolean;
  /** The card's own names, upper-case hex; undefined where it has none, or several. */
  readonly uuid: string | undefined;
  readonly fascN: string | undefined;
}

/** Contents of object identifiers, hex. */
const KEY_USAGE = '551d0f';
const ALTERNATIVE_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';
/** Those above, extended key usage, and the certificate policies of which any is as good as another here. */
const UNDERSTOOD = [KEY_USAGE, ALTERNATIVE_NAME, BASIC_CONSTRAINTS, '551d25', '551d20', '551d21', '551d24', '551d36'];
/** 2.16.840.1.101.3.6.6 */
const FASC_N = '6086480165030606';
/** RSA and ECDSA with SHA-256, -384 and -512, RSA-PSS, Ed25519. */
const SIGNATURES = ['2a864886f70d01010b', '2a864886f70d01010c', '2a864886f70d01010d', '2a864886f70d01010a', '2a8648ce3d040302', '2a8648ce3d040303', '2a8648ce3d040304', '2b6570'];

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const BOOLEAN = 0x01;
const OCTETS = 0x04;
const OTHER_NAME = 0xa0;
const URI = 0x86;

/** Undefined for what is not one whole X.509 certificate in DER. Nothing of it is believed yet. */
export function parseCertificate(der: Buffer): Certificate | undefined {
  const whole = tlvAt(der);
  if (whole?.tag !== SEQUENCE || whole.end !== der.length) return undefined;
  const extensions = extensionsOf(der);
  const signature = valueAt(der, SEQUENCE, SEQUENCE, SEQUENCE, OBJECT_IDENTIFIER)?.toString('hex');
  if (extensions === undefined || signature === undefined) return undefined;
  try {
    const x509 = new X509Certificate(der);
    const known = [...extensions].every(([id, { critical }]) => !critical || UNDERSTOOD.includes(id));
    return {
      x509,
      serial: x509.serialNumber.replace(/^0+/, ''),
      purposes: x509.keyUsage ?? [],
      maySign: maySign(extensions.get(KEY_USAGE)?.value),
      pathLength: pathLength(extensions.get(BASIC_CONSTRAINTS)?.value),
      understood: known && SIGNATURES.includes(signature),
      ...namesOf(extensions.get(ALTERNATIVE_NAME)?.value),
    };
  } catch {
    return undefined;
  }
}

/** The key that a card must prove, if it is of a kind that is asked for. */
export function keyOf({ x509 }: Certificate): SigningKey | undefined {
  try {
    return signingKey(x509.publicKey);
  } catch {
    return undefined;
  }
}

type Extensions = ReadonlyMap<string, { readonly critical: boolean; readonly value: Buffer }>;

function extensionsOf(der: Buffer): Extensions | undefined {
  const list = tlvList(valueAt(der, SEQUENCE, SEQUENCE, 0xa3, SEQUENCE) ?? Buffer.alloc(0));
  if (list === undefined) return undefined;
  const extensions = new Map<string, { critical: boolean; value: Buffer }>();
  for (const { value: extension } of list) {
    const id = valueAt(extension, OBJECT_IDENTIFIER)?.toString('hex');
    const value = valueAt(extension, OCTETS);
    if (id === undefined || value === undefined || extensions.has(id)) return undefined;
    extensions.set(id, { critical: valueAt(extension, BOOLEAN)?.[0] === 0xff, value });
  }
  return extensions;
}

function maySign(keyUsage: Buffer | undefined): boolean {
  if (keyUsage === undefined) return true;
  const bits = valueAt(keyUsage, 0x03);
  return ((bits?.[1] ?? 0) & 0x80) !== 0;
}

function pathLength(basicConstraints: Buffer | undefined): number {
  const length = valueAt(basicConstraints ?? Buffer.alloc(0), SEQUENCE, 0x02);
  return length === undefined || length.length > 2 ? Infinity : length.readUIntBE(0, length.length || 1);
}

function namesOf(alternativeName: Buffer | undefined): { readonly uuid: string | undefined; readonly fascN: string | undefined } {
  const names = tlvList(valueAt(alternativeName ?? Buffer.alloc(0), SEQUENCE) ?? Buffer.alloc(0)) ?? [];
  const uuids = names.filter(({ tag }) => tag === URI).map(({ value }) => /^urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(value.toString('latin1'))?.[1]);
  const fascNs = names.filter(({ tag, value }) => tag === OTHER_NAME && valueAt(value, OBJECT_IDENTIFIER)?.toString('hex') === FASC_N).map(({ value }) => valueAt(value, 0xa0, OCTETS)?.toString('hex'));
  return { uuid: onlyOne(uuids)?.replaceAll('-', '').toUpperCase(), fascN: onlyOne(fascNs)?.toUpperCase() };
}

function onlyOne(names: readonly (string | undefined)[]): string | undefined {
  const different = new Set(names.filter((name) => name !== undefined));
  return different.size === 1 ? [...different][0] : undefined;
}
