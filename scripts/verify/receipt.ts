import type { Finding } from '../../app/ledger/audit.ts';
import { encodeVkey, parseVkey, type VerifierKey } from '../../app/ledger/note.ts';
import { readPolicy, type AuditPolicy } from '../../app/ledger/policy.ts';
import { openReceipt, RECEIPT_HEADER, type Receipt, type Witnessed } from '../../app/ledger/receipt.ts';
import { receiptWords } from '../../app/ledger/receipt-words.ts';
import { fingerprint } from './summary.ts';

export interface ReceiptAudit {
  /** Undefined: nothing was found. A provisional receipt is a finding: nobody but the cart vouches for it. */
  readonly finding: Finding | undefined;
  readonly receipt: Receipt | undefined;
  /** Whether the witness's key came from the auditor and not from the receipt alone. */
  readonly trusted: boolean;
}

/** Whether a file is meant as a receipt; everything else is read as a bundle. */
export const isReceipt = (beginning: Uint8Array): boolean => Buffer.from(beginning).toString('latin1').startsWith(RECEIPT_HEADER.slice(0, RECEIPT_HEADER.indexOf(',')));
/** Far above the largest entry with its proof and sixteen signatures. */
export const MOST_RECEIPT_BYTES = 256 * 1024;

/** Checks a receipt offline. `policyJws`: a policy bundle from elsewhere; then its witness is the only one believed. */
export function auditReceipt(bytes: Uint8Array, policyJws?: string): ReceiptAudit {
  const policy = policyJws === undefined ? undefined : readPolicy(policyJws);
  const opened = openReceipt(bytes);
  if (!opened.ok) return { finding: opened.reason, receipt: undefined, trusted: false };
  const receipt = opened.value;
  const found = (kind: Finding['kind'], message: string): ReceiptAudit => ({ finding: { kind, seq: receipt.entry.seq, message }, receipt, trusted: false });
  if (policyJws !== undefined && !policy) return found('signature', 'the policy given with --policy is not a signed policy bundle');
  const revoked = policy?.revokedKeys.find(({ origin, vkey }) => origin === receipt.origin && vkey === encodeVkey(receipt.ledgerKey));
  if (revoked && receipt.entry.seq >= revoked.afterSize) return found('key-range', `entry ${receipt.entry.seq} was signed by a key that the hospital has revoked, and no server had seen it before: suspect`);
  if (receipt.witnessed.length === 0) return found('witness', 'PROVISIONAL: no server has witnessed this entry yet. Everything else in the receipt holds, on the word of the cart alone');
  if (policy && !receipt.witnessed.some((witnessed) => isTrusted(policy, witnessed))) return found('witness', 'the witness named in the receipt is not the one of the policy given');
  return { finding: undefined, receipt, trusted: policy !== undefined };
}

/** What a sound receipt proves, in sentences that need no programmer. */
export function receiptSummary({ receipt, trusted }: ReceiptAudit): string {
  if (!receipt) return '';
  const { entry, origin, size, ledgerKey, witnessed } = receipt;
  const words = receiptWords(entry, origin, witnessed).map((line) => `${line.slice(0, 9).padEnd(15)}${line.slice(9)}`);
  const text = [
    `SOUND: a receipt of the ledger ${origin}`,
    '',
    ...words,
    `Unchanged      The entry is exactly as it was recorded, and stands at this place among the first ${size} entries.`,
    `Signed         By the cart (key ${fingerprint(ledgerKey)}) and by ${witnessed.map(({ key }) => `${key.name} (key ${fingerprint(key)})`).join(', ')}.`,
    trusted
      ? "               The witness's key is the one in the policy that you gave."
      : "               The keys are those that the receipt itself brings. Compare the witness's key with the one the hospital gave you, or give its policy with --policy FILE.",
    '',
    "Not shown      The person's name, which only the hospital's directory holds; whether the cart's clock was right before the witness saw the entry;",
    '               and what else the ledger holds. A bundle of the whole ledger shows that nothing is missing.',
  ];
  return `${text.join('\n')}\n`;
}

function isTrusted({ witness, formerWitnesses }: AuditPolicy, { key, timeS }: Witnessed): boolean {
  return isKey(witness, key) || formerWitnesses.some(({ vkey, untilMs }) => timeS * 1_000 <= untilMs && isKey(vkey, key));
}

function isKey(vkey: string, key: VerifierKey): boolean {
  const parsed = parseVkey(vkey);
  return parsed.ok && parsed.value.name === key.name && parsed.value.publicKey.equals(key.publicKey);
}
