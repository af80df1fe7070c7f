import type { Finding } from '../../app/ledger/audit.ts';
import { CERTIFICATE_BEGINNING, openCertificate, type Certificate } from '../../app/ledger/certificate.ts';
import { overclaimOf } from '../../app/ledger/certificate-facts.ts';
import { certificateSections, standingWords } from '../../app/ledger/certificate-words.ts';
import { readPolicy } from '../../app/ledger/policy.ts';
import { vouchingFault } from './vouched.ts';

export interface CertificateAudit {
  /** Undefined: nothing was found. A provisional certificate is a finding: nobody but the cart vouches for it. */
  readonly finding: Finding | undefined;
  readonly certificate: Certificate | undefined;
  /** Whether the witness's key came from the auditor and not from the certificate alone. */
  readonly trusted: boolean;
  /** Whether the policy given is the one that was in force, so that what it demanded of a wipe was judged too. */
  readonly inForce: boolean;
}

export const isCertificate = (beginning: Uint8Array): boolean => Buffer.from(beginning).toString('latin1').startsWith(CERTIFICATE_BEGINNING);

/** Checks a certificate of sanitization offline. `policyJws`: a policy bundle from elsewhere; then its witness is the only one believed. */
export function auditCertificate(bytes: Uint8Array, policyJws?: string): CertificateAudit {
  const opened = openCertificate(bytes);
  if (!opened.ok) return { finding: opened.reason, certificate: undefined, trusted: false, inForce: false };
  const certificate = opened.value;
  const { facts, held, ledgerKey, witnessed } = certificate;
  const { origin, index } = facts.ledger;
  const policy = policyJws === undefined ? undefined : readPolicy(policyJws);
  const overclaim = overclaimOf(held, policy);
  const fault = vouchingFault({ origin, seq: index, ledgerKey, witnessed }, 'certificate', policyJws) ?? (overclaim === undefined ? undefined : { kind: 'custody' as const, message: overclaim });
  const inForce = policy !== undefined && policy.digest === facts.verification.policy?.digest;
  return { finding: fault && { ...fault, seq: index }, certificate, trusted: policy !== undefined && !fault, inForce };
}

/** What a sound certificate proves, in sentences that need no programmer. */
export function certificateSummary({ certificate, trusted, inForce }: CertificateAudit): string {
  if (!certificate) return '';
  const { facts, held, size } = certificate;
  const text = [
    `SOUND: a certificate of sanitization of the tablet ${facts.media.serial}, from the ledger ${facts.ledger.origin}`,
    '',
    ...certificateSections(certificate).flatMap(({ title, lines }) => [title, ...lines.map(({ label, value }) => `  ${label.padEnd(22)}${value}`), '']),
    standingWords(certificate),
    `Each of the ${held.length} entries that it is derived from is exactly as it was recorded, and stands at its place among the first ${size} of the ledger.`,
    trusted
      ? 'The witness’s key is the one in the policy that you gave.'
      : 'The keys are those that the certificate itself brings. Compare the witness’s key with the one the hospital gave you, or give its policy with --policy FILE.',
    inForce ? 'All that the policy in force demanded of a wipe is proven.' : 'What the policy in force demanded was not judged: give that version of it with --policy FILE.',
    '',
    'Not shown: that nobody had the tablet between the request and the proof, and that its new enrolment was never seen before. The whole ledger',
    'shows both: verify its bundle. And nothing of what happened to the tablet after the proof was complete.',
  ];
  return `${text.join('\n')}\n`;
}
