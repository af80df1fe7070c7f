import type { FindingKind } from '../../app/ledger/audit.ts';
import { encodeVkey, parseVkey, type VerifierKey } from '../../app/ledger/note.ts';
import { readPolicy, type AuditPolicy } from '../../app/ledger/policy.ts';
import type { Witnessed } from '../../app/ledger/receipt.ts';

/** What a receipt or a certificate says of who vouches for its entry. */
export interface Vouched {
  readonly origin: string;
  readonly seq: number;
  readonly ledgerKey: VerifierKey;
  readonly witnessed: readonly Witnessed[];
}

/** What an auditor's policy, where there is one, finds wrong with the keys of a receipt or certificate that holds in itself. `what` names it. */
export function vouchingFault({ origin, seq, ledgerKey, witnessed }: Vouched, what: string, policyJws: string | undefined): { readonly kind: FindingKind; readonly message: string } | undefined {
  const policy = policyJws === undefined ? undefined : readPolicy(policyJws);
  if (policyJws !== undefined && !policy) return { kind: 'signature', message: 'the policy given with --policy is not a signed policy bundle' };
  const revoked = policy?.revokedKeys.find((key) => key.origin === origin && key.vkey === encodeVkey(ledgerKey));
  if (revoked && seq >= revoked.afterSize) return { kind: 'key-range', message: `entry ${seq} was signed by a key that the hospital has revoked, and no server had seen it before: suspect` };
  if (witnessed.length === 0) return { kind: 'witness', message: `PROVISIONAL: no server has witnessed this entry yet. Everything else in the ${what} holds, on the word of the cart alone` };
  if (policy && !witnessed.some((each) => isTrusted(policy, each))) return { kind: 'witness', message: `the witness named in the ${what} is not the one of the policy given` };
  return undefined;
}

function isTrusted({ witness, formerWitnesses }: AuditPolicy, { key, timeS }: Witnessed): boolean {
  return isKey(witness, key) || formerWitnesses.some(({ vkey, untilMs }) => timeS * 1_000 <= untilMs && isKey(vkey, key));
}

function isKey(vkey: string, key: VerifierKey): boolean {
  const parsed = parseVkey(vkey);
  return parsed.ok && parsed.value.name === key.name && parsed.value.publicKey.equals(key.publicKey);
}
