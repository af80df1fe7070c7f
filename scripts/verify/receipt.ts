import type { Finding } from '../../app/ledger/audit.ts';
import { openReceipt, RECEIPT_HEADER, type Receipt } from '../../app/ledger/receipt.ts';
import { receiptWords } from '../../app/ledger/receipt-words.ts';
import { fingerprint } from './summary.ts';
import { vouchingFault } from './vouched.ts';

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
  const opened = openReceipt(bytes);
  if (!opened.ok) return { finding: opened.reason, receipt: undefined, trusted: false };
  const receipt = opened.value;
  const { origin, entry, ledgerKey, witnessed } = receipt;
  const fault = vouchingFault({ origin, seq: entry.seq, ledgerKey, witnessed }, 'receipt', policyJws);
  return { finding: fault && { ...fault, seq: entry.seq }, receipt, trusted: policyJws !== undefined && !fault };
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
