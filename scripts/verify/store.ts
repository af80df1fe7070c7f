import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { projectEntry } from '../../app/domain/projection.ts';
import type { Finding } from '../../app/ledger/audit.ts';
import type { BundleParts } from '../../app/ledger/bundle.ts';
import { openCosignature, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { createCustodyJudge, differingTables } from '../../app/ledger/custody.ts';
import { recordedEntry } from '../../app/ledger/entry.ts';
import { parseVkey, verifierKey, type VerifierKey } from '../../app/ledger/note.ts';
import { readPolicy } from '../../app/ledger/policy.ts';
import { startVerification, type LedgerFinding } from '../../app/ledger/verify.ts';
import { openStore } from '../../app/storage/open.ts';
import type { Store } from '../../app/storage/store.ts';

/** The station's folder cannot be audited at all; the message says why and what to do. */
export class StationUnreadable extends Error {}

export interface StoppedStation {
  readonly origin: string;
  readonly store: Store;
  readonly key: VerifierKey;
  readonly witness: VerifierKey | undefined;
  /** The station's ledger as a bundle: everything, signed now, with the last checkpoint that the server cosigned. */
  bundle(): Promise<BundleParts>;
}

const PAGE = 1_000;
const identityFile = z.object({
  enrolment: z.object({ tenant: z.string(), station: z.string(), witness: z.string().optional() }),
  epoch: z.object({ number: z.int() }),
  ledgerKey: z.record(z.string(), z.unknown()),
});

export async function openStation(folder: string): Promise<StoppedStation> {
  const path = join(folder, 'identity.json');
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new StationUnreadable(`The station's identity cannot be read: ${error.message}`);
  });
  const identity = identityFile.safeParse(parseJson(text));
  if (!identity.success) throw new StationUnreadable(`${path} is not the identity of an enrolled station.`);
  const { enrolment, epoch, ledgerKey } = identity.data;
  const origin = `${enrolment.tenant}/station/${enrolment.station}/e${epoch.number}`;
  const signingKey = createPrivateKey({ format: 'jwk', key: ledgerKey as never });
  const opened = await openStore({ path: join(folder, 'ledger.db'), station: enrolment.station, epoch: epoch.number, origin, signingKey, project: projectEntry, clock: { wallMs: () => 0, monoMs: () => 0, bootId: 'verify' } });
  if (!opened.ok) throw new StationUnreadable(opened.reason === 'locked' ? 'The station is running: stop it first, its database is its own.' : `The ledger cannot be opened: ${opened.reason}.`);
  const store = opened.value;
  const key = verifierKey(origin, createPublicKey(signingKey));
  const witness = enrolment.witness === undefined ? undefined : parseVkey(enrolment.witness);
  const known = witness?.ok === true ? witness.value : undefined;
  return {
    origin, store, key,
    witness: known,
    bundle: async () => {
      if (!known) throw new StationUnreadable('The enrolment names no witness: a bundle of this ledger could not be judged by anybody.');
      const size = store.size();
      const checkpoint = signCheckpoint(origin, size, Buffer.from(store.root(), 'hex'), key, signingKey);
      const cosigned = await cosignedNote(store);
      const policy = await readFile(join(folder, 'bundle.jws'), 'utf8').then((jws) => jws.trim(), () => undefined);
      const read = policy === undefined ? undefined : readPolicy(policy);
      const inForce = read !== undefined && store.view.get('cart', 'cart')?.bundle?.digest === read.digest;
      return {
        size,
        ...(cosigned?.size === size ? { checkpoint: cosigned.note, cosigned: undefined } : { checkpoint, cosigned: cosigned?.note }),
        keys: { ranges: [{ key, from: 0, to: size }], witness: known },
        policies: inForce && policy !== undefined ? [{ version: read.version, jws: policy }] : [],
        entries: async (from, count) => (await store.entries(from, count)).map(({ bytes }) => bytes),
      };
    },
  };
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
export async function auditStore({ store, key, origin, witness }: StoppedStation): Promise<StoreAudit> {
  const size = store.size();
  const checkpoint = store.latestCheckpoint();
  const cosigned = await cosignedNote(store);
  const verification = startVerification();
  const custody = createCustodyJudge(() => undefined);
  let wrong: Finding | undefined;
  const stop = (finding: Finding): StoreAudit => ({ finding, size, summary: '' });
  for (let from = 0; from < size; from += PAGE) {
    for (const { bytes } of await store.entries(from, PAGE)) {
      const finding = verification.push(bytes);
      if (finding) return stop(told(finding));
      const { last } = verification;
      const broken = last && custody.push(recordedEntry(last.entry, last.leaf));
      if (broken !== undefined) wrong ??= { kind: 'custody', seq: verification.size - 1, message: `entry ${verification.size - 1} breaks a rule of custody: ${broken}` };
      if (verification.size === cosigned?.size) {
        const kept = verification.finish(cosigned.note, key);
        if ('finding' in kept) return stop({ kind: kept.finding.kind === 'root' ? 'consistency' : kept.finding.kind, message: `the first ${cosigned.size} entries are not those that the server has cosigned` });
        if (witness && !openCosignature(cosigned.note, witness).ok) return stop({ kind: 'witness', message: `the server's signature over ${cosigned.size} entries does not hold` });
      }
      if (verification.size !== checkpoint?.size) continue;
      const covered = verification.finish(checkpoint.note, key);
      if ('finding' in covered) return stop(told(covered.finding));
    }
  }
  const [table] = differingTables(custody.view, store.view);
  if (table !== undefined) return stop({ kind: 'projections', message: `The stored table "${table}" is not what the entries make of it. The entries are sound; the table must be rebuilt.` });
  const signed = checkpoint ? `the checkpoint over ${checkpoint.size} is signed by this station` : 'no checkpoint was signed yet';
  return { finding: wrong, size, summary: `${size} entries of ${origin} are whole and in order; ${signed}; the server has cosigned ${store.acked().size}. Custody equals what the entries say.` };
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
