import { ok, refused, type Result } from '../domain/result.ts';
import type { Finding, FindingKind } from './audit.ts';
import { certificateEntries, certificateFacts, overclaimOf, type CertificateFacts, type HeldEntry } from './certificate-facts.ts';
import { openCheckpoint, openCosignature } from './checkpoint.ts';
import { parseEntry } from './entry.ts';
import { HASH_BYTES, leafHash, type Hash } from './merkle.ts';
import { decodeBase64, encodeVkey, parseNote, parseVkey, signatureBy, signatureLine, type VerifierKey } from './note.ts';
import { verifyInclusion } from './proofs.ts';
import type { Witnessed } from './receipt.ts';

/** An entry and its RFC 6962 audit path in the tree of the certificate's checkpoint. */
export interface ProvenEntry {
  readonly bytes: Buffer;
  readonly hashes: readonly Hash[];
}

export interface CertificateParts {
  /** As `certificateEntries` chooses them. */
  readonly entries: readonly ProvenEntry[];
  /** A signed note, with the lines of witnesses where there are any; lines by others than the keys below are left out. */
  readonly checkpoint: string;
  /** Every key this ledger has had: one of them signed the checkpoint. */
  readonly ledgerKeys: readonly VerifierKey[];
  readonly witnesses: readonly VerifierKey[];
}

/** A certificate of sanitization, checked. */
export interface Certificate {
  /** The file. */
  readonly text: string;
  readonly facts: CertificateFacts;
  readonly held: readonly HeldEntry[];
  /** Entries that the checkpoint covers. */
  readonly size: number;
  readonly ledgerKey: VerifierKey;
  /** Empty: provisional, on the cart's word alone. */
  readonly witnessed: readonly Witnessed[];
}

/** How a certificate begins. What it says follows from its entries, so whoever changes how begins another version. */
export const CERTIFICATE_BEGINNING = '{\n  "dockwardCertificate": ';
const VERSION = 1;

/** A certificate over these entries, if it would be accepted: nothing is handed out that its holder could not check. */
export function writeCertificate({ entries, checkpoint, ledgerKeys, witnesses }: CertificateParts): Result<Certificate, Finding> {
  const keys = [...ledgerKeys.filter((key) => openCheckpoint(checkpoint, key).ok).slice(0, 1), ...witnesses.filter((key) => openCosignature(checkpoint, key).ok)];
  const [ledgerKey] = keys;
  if (ledgerKey?.type !== 'ed25519') return wrong('signature', 'the checkpoint is not signed by a key of this ledger');
  const held = entries.flatMap(({ bytes }) => heldEntry(bytes) ?? []);
  const facts = held.length === entries.length ? certificateFacts(held, ledgerKey.name) : refused('an entry in it cannot be read');
  return facts.ok ? openCertificate(Buffer.from(spelled(facts.value, entries, keys, checkpoint))) : wrong('chain', facts.reason);
}

/**
 * Reads a certificate and checks all of it, without anything else at hand: no bit of it can be changed unseen, and it claims
 * nothing that its entries do not prove. What it cannot tell is whose keys these are.
 */
export function openCertificate(bytes: Uint8Array): Result<Certificate, Finding> {
  const text = Buffer.from(bytes).toString('utf8');
  const parts = text.startsWith(`${CERTIFICATE_BEGINNING}${VERSION},\n`) ? partsOf(text) : undefined;
  if (!parts) return wrong('bytes', 'this is not a certificate of a kind that this program knows, or it has been changed');
  const { entries, keys, checkpoint } = parts;
  const [ledgerKey, ...witnesses] = keys;
  if (ledgerKey?.type !== 'ed25519') return wrong('signature', 'the certificate names no key of a ledger');
  const opened = openCheckpoint(checkpoint, ledgerKey);
  if (!opened.ok) return wrong('signature', `the checkpoint is not signed by the ledger's key (${opened.reason})`);
  const { origin, size, root } = opened.value;

  const held: HeldEntry[] = [];
  for (const { bytes: entryBytes, hashes } of entries) {
    const one = heldEntry(entryBytes);
    if (!one) return wrong('bytes', 'an entry in the certificate has been changed');
    const { station, epoch, seq } = one.entry;
    if (!origin.endsWith(`/station/${station}/e${epoch}`)) return wrong('chain', `entry ${seq} is of another ledger than the proofs`, seq);
    if (!verifyInclusion(seq, size, one.leaf, hashes, root)) return wrong('root', `entry ${seq} is not the one that the ledger holds at this place`, seq);
    held.push(one);
  }
  const witnessed: Witnessed[] = [];
  for (const key of witnesses) {
    const time = openCosignature(checkpoint, key);
    if (!time.ok) return wrong('witness', `the signature of the witness ${key.name} under the checkpoint does not hold (${time.reason})`);
    witnessed.push({ key, timeS: time.value });
  }
  const facts = certificateFacts(held, origin);
  if (!facts.ok) return wrong('chain', facts.reason, held.at(-1)?.entry.seq);
  if (!Buffer.from(spelled(facts.value, entries, keys, checkpoint)).equals(bytes)) return wrong('bytes', 'the certificate says something that does not follow from its entries and their proofs: it has been changed');
  const overclaim = overclaimOf(held, undefined);
  if (overclaim !== undefined) return wrong('custody', overclaim, facts.value.ledger.index);
  return ok({ text, facts: facts.value, held, size, ledgerKey, witnessed });
}

/** An entry with its leaf; undefined where the bytes are none. */
export function heldEntry(bytes: Buffer): HeldEntry | undefined {
  const entry = parseEntry(bytes);
  return entry.ok ? { bytes, entry: entry.value, leaf: leafHash(bytes) } : undefined;
}

/** The entries that a certificate over the ledger's entry `sanitized` needs, of those that the ledger holds before it. */
export function entriesToProve(sanitized: Buffer, before: readonly Buffer[]): readonly HeldEntry[] {
  const [claim, ...earlier] = [sanitized, ...before].map(heldEntry);
  return claim?.entry.type === 'sanitized' ? certificateEntries(claim, earlier.flatMap((each) => each ?? [])) : [];
}

/** The one spelling of a certificate. */
function spelled(facts: CertificateFacts, entries: readonly ProvenEntry[], keys: readonly VerifierKey[], checkpoint: string): string {
  const [ledgerKey, ...witnesses] = keys;
  const note = parseNote(checkpoint);
  // A line by anybody else could be changed unseen.
  const lines = keys.map((key) => (note.ok ? signatureBy(note.value.signatures, key) : undefined)).map((line) => (line ? signatureLine(line.name, line.keyId, line.signature) : ''));
  const witnessed = witnesses.flatMap((key) => {
    const time = openCosignature(checkpoint, key);
    return time.ok ? [{ name: key.name, timeS: time.value }] : [];
  });
  const file = {
    dockwardCertificate: VERSION,
    standing: witnessed.length === 0 ? 'provisional' : 'cosigned',
    witnessed,
    ...facts,
    entries: entries.map(({ bytes, hashes }) => ({ entry: bytes.toString('utf8'), proof: hashes.map((hash) => hash.toString('base64')) })),
    ledgerKey: ledgerKey ? encodeVkey(ledgerKey) : '',
    witnessKeys: witnesses.map(encodeVkey),
    checkpoint: note.ok ? `${note.value.text}\n${lines.join('')}` : '',
  };
  // In ASCII: nothing in a text may turn a line around.
  return `${JSON.stringify(file, null, 2).replaceAll(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

interface FileParts {
  readonly entries: readonly ProvenEntry[];
  readonly keys: readonly VerifierKey[];
  readonly checkpoint: string;
}

/** What the rest of a certificate follows from. */
function partsOf(text: string): FileParts | undefined {
  const file = record(parsed(text));
  const { entries, ledgerKey, witnessKeys, checkpoint } = file ?? {};
  if (!Array.isArray(entries) || !Array.isArray(witnessKeys) || typeof checkpoint !== 'string') return undefined;
  const keys = [ledgerKey, ...(witnessKeys as unknown[])].flatMap((vkey) => {
    const key = typeof vkey === 'string' ? parseVkey(vkey) : undefined;
    return key?.ok ? [key.value] : [];
  });
  const proven = (entries as unknown[]).flatMap((item): ProvenEntry[] => {
    const { entry, proof } = record(item) ?? {};
    if (typeof entry !== 'string' || !Array.isArray(proof)) return [];
    const hashes = (proof as unknown[]).flatMap((each) => (typeof each === 'string' ? (decodeBase64(each) ?? []) : []));
    return hashes.length === proof.length && hashes.every(({ length }) => length === HASH_BYTES) ? [{ bytes: Buffer.from(entry), hashes }] : [];
  });
  return keys.length === witnessKeys.length + 1 && proven.length === entries.length ? { entries: proven, keys, checkpoint } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const record = (value: unknown): { readonly [key: string]: unknown } | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: unknown }) : undefined);
const wrong = (kind: FindingKind, message: string, seq?: number): Result<never, Finding> => refused({ kind, message, ...(seq === undefined ? {} : { seq }) });
