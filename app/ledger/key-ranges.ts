import type { BundleKeys } from './bundle.ts';
import type { LedgerEntry } from './entry.ts';
import { openRotation, ROTATION_ENTRY } from './key-rotation.ts';
import { encodeVkey, type VerifierKey } from './note.ts';
import type { AuditPolicy } from './policy.ts';

/** Holds the published ranges of a ledger's keys against the entries that changed the key: each needs the other. */
export interface RangeJudge {
  /** What is wrong at this entry, in words; undefined where nothing is. Entries come in order, from the first. */
  push(entry: LedgerEntry): string | undefined;
}

export function createRangeJudge(origin: string, { ranges }: Pick<BundleKeys, 'ranges'>): RangeJudge {
  let at = 0;
  return {
    push: ({ type, seq, prev, body }) => {
      const [range, next] = [ranges[at], ranges[at + 1]];
      const changes = next?.from === seq;
      if (type !== ROTATION_ENTRY && !changes) return undefined;
      if (!range || !next || !changes) return `entry ${seq} changes the key of the ledger, and the file keys knows nothing of it`;
      if (type !== ROTATION_ENTRY) return `the file keys names another key from entry ${seq} on, and that entry does not change it`;
      const opened = openRotation({ origin, seq, prev }, body, range.key);
      if (!opened.ok) return `entry ${seq} changes the key of the ledger without the word of both keys (${opened.reason})`;
      if (!opened.value.publicKey.equals(next.key.publicKey)) return `entry ${seq} gives the ledger another key than the file keys names`;
      if (ranges.slice(0, at + 1).some(({ key }) => key.publicKey.equals(next.key.publicKey))) return `entry ${seq} gives the ledger a key that it had before`;
      at += 1;
      return undefined;
    },
  };
}

/** The last moment that a date can name. */
const LAST_MS = 8.64e15;

/**
 * From which entry on a ledger of `size` entries is suspect: its key was revoked, and the witness had not seen them before. By what
 * the bundle says of its keys, and by the auditor's own policy, which may be newer than the bundle.
 */
export function suspectFrom(origin: string, size: number, { ranges }: Pick<BundleKeys, 'ranges'>, policy: Pick<AuditPolicy, 'revokedKeys'> | undefined): { readonly seq: number; readonly message: string } | undefined {
  const revocations = [
    ...ranges.flatMap(({ revoked }) => (revoked ? [{ seq: revoked.atSize, timeS: revoked.time }] : [])),
    ...(policy?.revokedKeys ?? []).flatMap((key) => (key.origin === origin ? [{ seq: key.afterSize, timeS: key.time }] : [])),
  ];
  const [first] = revocations.filter(({ seq }) => seq < size).sort((a, b) => a.seq - b.seq);
  return first && { seq: first.seq, message: `entries from ${first.seq} on were signed by a revoked key and not witnessed before: suspect (revoked ${new Date(Math.min(first.timeS * 1_000, LAST_MS)).toISOString()})` };
}

/** The witness's keys that an auditor's policy names: the one in use, and those before it with the end of their time in Unix milliseconds. */
export function trustedWitness({ witness, formerWitnesses }: Pick<AuditPolicy, 'witness' | 'formerWitnesses'>, key: VerifierKey): { readonly untilMs: number | undefined } | undefined {
  const vkey = encodeVkey(key);
  if (vkey === witness) return { untilMs: undefined };
  return formerWitnesses.find((former) => former.vkey === vkey);
}

/** Every process of a server signs with the new key by then. */
const REPLACED_WITHIN_MS = 3_600_000;

/**
 * Whether this key of the witness had been replaced when it says to have signed, in Unix seconds. Whoever stole it can say an
 * earlier time: against that only checkpoints help that somebody kept.
 */
export function signedAfterItsTime(policy: Pick<AuditPolicy, 'witness' | 'formerWitnesses'>, key: VerifierKey, timeS: number): boolean {
  const untilMs = trustedWitness(policy, key)?.untilMs;
  return untilMs !== undefined && timeS * 1_000 > untilMs + REPLACED_WITHIN_MS;
}
