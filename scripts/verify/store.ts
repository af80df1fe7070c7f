import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { projectEntry } from '../../app/domain/projection.ts';
import type { Finding } from '../../app/ledger/audit.ts';
import { keyAt, type BundleParts, type KeyRange } from '../../app/ledger/bundle.ts';
import { openCosignature, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { createCustodyJudge, differingTables } from '../../app/ledger/custody.ts';
import { recordedEntry } from '../../app/ledger/entry.ts';
import { createRangeJudge } from '../../app/ledger/key-ranges.ts';
import { parseVkey, type VerifierKey } from '../../app/ledger/note.ts';
import { readPolicy } from '../../app/ledger/policy.ts';
import { startVerification, type LedgerFinding } from '../../app/ledger/verify.ts';
import { openStore } from '../../app/storage/open.ts';
import type { Store, StoredRange } from '../../app/storage/store.ts';

/** The station's folder cannot be audited at all; the message says why and what to do. */
export class StationUnreadable extends Error {}

export interface StoppedStation {
  readonly origin: string;
  readonly store: Store;
  /** The ledger's keys by tree size, as its own record has them; what they are worth, the audit finds out. */
  readonly ranges: readonly KeyRange[];
  readonly witness: VerifierKey | undefined;
  /** The station's ledger as a bundle: everything, signed now, with the last checkpoint that the server cosigned. */
  bundle(): Promise<BundleParts>;
}

const PAGE = 1_000;
const identityFile = z.object({
  enrolment: z.object({ tenant: z.string(), station: z.string(), witness: z.string().optional() }),
  trust: z.object({ witnesses: z.array(z.string()) }).optional(),
  epoch: z.object({ number: z.int() }),
  ledgerKey: z.record(z.string(), z.unknown()),
  nextLedgerKey: z.record(z.string(), z.unknown()).optional(),
});

export async function openStation(folder: string): Promise<StoppedStation> {
  const path = join(folder, 'identity.json');
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new StationUnreadable(`The station's identity cannot be read: ${error.message}`);
  });
  const identity = identityFile.safeParse(parseJson(text));
  if (!identity.success) throw new StationUnreadable(`${path} is not the identity of an enrolled station.`);
  const { enrolment, epoch, ledgerKey, nextLedgerKey, trust } = identity.data;
  const origin = `${enrolment.tenant}/station/${enrolment.station}/e${epoch.number}`;
  const [signingKey, nextKey] = [privateKey(ledgerKey), nextLedgerKey && privateKey(nextLedgerKey)];
  const opened = await openStore({ path: join(folder, 'ledger.db'), station: enrolment.station, epoch: epoch.number, origin, signingKey, nextKey, project: projectEntry, clock: { wallMs: () => 0, monoMs: () => 0, bootId: 'verify' } });
  if (!opened.ok) throw new StationUnreadable(opened.reason === 'locked' ? 'The station is running: stop it first, its database is its own.' : `The ledger cannot be opened: ${opened.reason}.`);
  const store = opened.value;
  const size = store.size();
  const ranges = rangesOf(store.keyRanges(), size);
  const current = ranges.at(-1)?.key;
  const inUse = [signingKey, nextKey].find((held) => held && current?.publicKey.equals(createPublicKey(held)));
  if (!current || !inUse) throw new StationUnreadable('The record of the ledger’s keys cannot be read.');
  const policy = await readFile(join(folder, 'bundle.jws'), 'utf8').then((jws) => jws.trim(), () => undefined);
  const read = policy === undefined ? undefined : readPolicy(policy);
  const cosigned = await cosignedNote(store);
  // The witness may have changed its key since it cosigned this ledger last.
  const named = [...(trust?.witnesses ?? []), enrolment.witness, ...(read?.formerWitnesses ?? []).map(({ vkey }) => vkey)].flatMap((vkey) => parsedVkey(vkey) ?? []);
  const known = named.find((key) => cosigned && openCosignature(cosigned.note, key).ok) ?? named[0];
  return {
    origin, store, ranges,
    witness: known,
    bundle: async () => {
      if (!known) throw new StationUnreadable('The enrolment names no witness: a bundle of this ledger could not be judged by anybody.');
      const checkpoint = signCheckpoint(origin, size, Buffer.from(store.root(), 'hex'), current, inUse);
      const inForce = read !== undefined && store.view.get('cart', 'cart')?.bundle?.digest === read.digest;
      return {
        size,
        ...(cosigned?.size === size ? { checkpoint: cosigned.note, cosigned: undefined } : { checkpoint, cosigned: cosigned?.note }),
        keys: { ranges, witness: known },
        policies: inForce && policy !== undefined ? [{ version: read.version, jws: policy }] : [],
        entries: async (from, count) => (await store.entries(from, count)).map(({ bytes }) => bytes),
      };
    },
  };
}

const privateKey = (key: Record<string, unknown>): KeyObject => createPrivateKey({ format: 'jwk', key: key as never });

function parsedVkey(vkey: string | undefined): VerifierKey | undefined {
  const key = vkey === undefined ? undefined : parseVkey(vkey);
  return key?.ok === true ? key.value : undefined;
}

function rangesOf(stored: readonly StoredRange[], size: number): readonly KeyRange[] {
  return stored.flatMap(({ vkey, from }, index) => {
    const key = parsedVkey(vkey);
    return key ? [{ key, from, to: stored[index + 1]?.from ?? size }] : [];
  });
}

/** The checkpoint that the server has cosigned last, its cosignature under it. */
async function cosignedNote(store: Store): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const { size, cosignature } = store.acked();
  const signed = cosignature === undefined ? undefined : await store.checkpointUpTo(size);
  return signed?.size === size ? { size, note: signed.note + cosignature } : undefined;
}

export interface StoreAudit {
  readonly finding: Finding | undefined;
  readonly size: number;
  readonly summary: string;
}

/** Every entry's bytes, chain, root, both signatures, the rules of custody, and the stored tables against the entries. */
export async function auditStore({ store, ranges, origin, witness }: StoppedStation): Promise<StoreAudit> {
  const size = store.size();
  const checkpoint = store.latestCheckpoint();
  const cosigned = await cosignedNote(store);
  const verification = startVerification();
  const custody = createCustodyJudge(() => undefined);
  const keyRanges = createRangeJudge(origin, { ranges });
  const signerAt = (at: number): VerifierKey => keyAt({ ranges }, at) ?? raise(at);
  let wrong: Finding | undefined;
  const stop = (finding: Finding): StoreAudit => ({ finding, size, summary: '' });
  for (let from = 0; from < size; from += PAGE) {
    for (const { bytes } of await store.entries(from, PAGE)) {
      const finding = verification.push(bytes);
      if (finding) return stop(told(finding));
      const { last } = verification;
      const changed = last && keyRanges.push(last.entry);
      if (changed !== undefined) return stop({ kind: 'key-range', seq: verification.size - 1, message: changed });
      const broken = last && custody.push(recordedEntry(last.entry, last.leaf));
      if (broken !== undefined) wrong ??= { kind: 'custody', seq: verification.size - 1, message: `entry ${verification.size - 1} breaks a rule of custody: ${broken}` };
      if (verification.size === cosigned?.size) {
        const kept = verification.finish(cosigned.note, signerAt(cosigned.size));
        if ('finding' in kept) return stop({ kind: kept.finding.kind === 'root' ? 'consistency' : kept.finding.kind, message: `the first ${cosigned.size} entries are not those that the server has cosigned` });
        if (witness && !openCosignature(cosigned.note, witness).ok) return stop({ kind: 'witness', message: `the server's signature over ${cosigned.size} entries does not hold` });
      }
      if (verification.size !== checkpoint?.size) continue;
      const covered = verification.finish(checkpoint.note, signerAt(checkpoint.size));
      if ('finding' in covered) return stop(told(covered.finding));
    }
  }
  const [table] = differingTables(custody.view, store.view);
  if (table !== undefined) return stop({ kind: 'projections', message: `The stored table "${table}" is not what the entries make of it. The entries are sound; the table must be rebuilt.` });
  const signed = checkpoint ? `the checkpoint over ${checkpoint.size} is signed by this station` : 'no checkpoint was signed yet';
  return { finding: wrong, size, summary: `${size} entries of ${origin} are whole and in order; ${signed}; the server has cosigned ${store.acked().size}. Custody equals what the entries say.` };
}

function raise(size: number): never {
  throw new StationUnreadable(`No key of the ledger is known for ${size} entries.`);
}

function told(finding: LedgerFinding): Finding {
  if (finding.kind === 'bytes') return { kind: 'bytes', seq: finding.seq, message: `entry ${finding.seq}: ${finding.fault}` };
  if (finding.kind === 'chain') return { kind: 'chain', seq: finding.seq, message: `entry ${finding.seq}: does not follow the one before it (${finding.field})` };
  if (finding.kind === 'root') return { kind: 'root', message: `${finding.size} entries, the checkpoint speaks of ${finding.expectedSize}, and the roots differ` };
  return { kind: 'signature', message: finding.fault };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
