import { openRotation, ROTATION_ENTRY, type RotationFault } from '../ledger/key-rotation.ts';
import { keysOf, type LedgerKey } from './key-ranges.ts';
import { Refused, type Accepted, type OriginRow } from './witness.ts';

/** The keys once these entries are in the ledger. Refuses a change of key that both keys have not signed for this very place. */
export function keysAfter(origin: string, row: OriginRow, accepted: readonly Accepted[]): readonly LedgerKey[] {
  const keys = [...keysOf(origin, row)];
  for (const { seq, read } of accepted) {
    if (read?.entry.type !== ROTATION_ENTRY) continue;
    const current = keys.at(-1)?.key;
    if (!current) throw new Error(`the ledger ${origin} has no key`);
    const next = openRotation({ origin, seq, prev: read.entry.prev }, read.entry.body, current);
    const again = next.ok && keys.some(({ key }) => key.publicKey.equals(next.value.publicKey));
    if (!next.ok || again) throw refusal(origin, row, seq, next.ok ? 'key-used-before' : next.reason);
    keys.push({ key: next.value, from: seq });
  }
  return keys;
}

function refusal(origin: string, { station, size }: OriginRow, seq: number, fault: RotationFault | 'key-used-before'): Refused {
  const message = `Entry ${seq} changes the key of this ledger, and ${WORDS[fault]}.`;
  return new Refused({ reason: 'inconsistent', message }, { station, origin, kind: 'bad-rotation', evidence: message, detail: { message, held: size, seq, fault } });
}

const WORDS: Readonly<Record<RotationFault | 'key-used-before', string>> = {
  malformed: 'it cannot be read',
  'other-key': 'not from the key that signs it',
  'same-key': 'the new key is the old one',
  'old-signature': 'the old key has not signed that',
  'new-signature': 'the new key has not signed that',
  'key-used-before': 'the new key has signed it before',
};
