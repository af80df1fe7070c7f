import { hash } from 'node:crypto';
import type { GateLeafName, Grade } from '../domain/terms.ts';
import type { Certificate } from './certificate.ts';
import { rawPublicKey, type VerifierKey } from './note.ts';
import { plain } from './receipt-words.ts';

export interface CertificateSection {
  readonly title: string;
  readonly lines: readonly { readonly label: string; readonly value: string }[];
}

/** Whether more than the cart vouches for a certificate. */
export const standingWords = ({ witnessed }: Pick<Certificate, 'witnessed'>): string =>
  witnessed.length === 0
    ? 'PROVISIONAL. The cart alone vouches for this, and whoever holds its key could have written it. Ask the hospital’s server for the certificate once the cart has been in contact with it.'
    : witnessed.map(({ key, timeS }) => `${shown(key.name)} had these records by ${time(timeS * 1_000)}; they cannot have been changed since.`).join(' ');

/** A certificate in words, in the order of the sample form of NIST SP 800-88; every sheet and page shows these. */
export function certificateSections(certificate: Certificate): readonly CertificateSection[] {
  const { facts, size, ledgerKey, witnessed } = certificate;
  const { media, sanitization, verification, ledger } = facts;
  const { source } = media;
  const section = (title: string, ...lines: readonly (readonly [label: string, value: string] | undefined)[]): CertificateSection => ({ title, lines: lines.flatMap((line) => (line ? [{ label: line[0], value: line[1] }] : [])) });
  return [
    section(
      'Media',
      ['Make and model', shown(media.model)],
      ['Serial number', shown(media.serial)],
      ['Asset number', shown(media.asset)],
      ['Media type', 'Tablet with built-in storage'],
      ['Source', `Ward ${shown(source.ward)}, cart ${shown(source.station)}, slot ${source.slot}`],
    ),
    section(
      'Sanitization',
      ['Method', 'Clear: set back to its factory state. Not certified as Purge: no record shows that its storage was encrypted.'],
      ['Technique', `Factory reset by the device management, attempt ${sanitization.attempt}, command ${shown(sanitization.command)}`],
      ['Tool', sanitization.tool === undefined ? 'Dockward station; its version is not recorded' : `Dockward station ${shown(sanitization.tool)}`],
      ['Request, nonce', `${shown(sanitization.request)}, ${shown(sanitization.nonce)}`],
    ),
    section(
      'Verification',
      ['Method', 'Statements signed by the server about the device management’s records, held by the cart against what it saw in the slot. The storage was not read.'],
      ['Grade', `${verification.grade}: ${GRADE_WORDS[verification.grade]}`],
      ['Proven', verification.proven.map((leaf) => LEAF_WORDS[leaf]).join('; ')],
      ['Enrolment before', shown(verification.previous)],
      ['Enrolment after', verification.enrolment === undefined ? 'none stated' : shown(verification.enrolment)],
      ['Policy, SHA-256', verification.policy ? `${verification.policy.version}, ${shown(verification.policy.digest)}` : 'none in force'],
    ),
    section(
      'Who, when, where',
      ['Organisation', shown(facts.organisation)],
      ['Done and verified by', `Cart ${shown(source.station)}, by its rules. The records name no person.`],
      ['Asked for', `${time(sanitization.requestedMs)} by the cart’s clock`],
      ['Confirmed', `${time(sanitization.confirmedMdmMs)} by the device management’s clock`],
      verification.enrolledMdmMs === undefined ? undefined : ['Enrolled anew', `${time(verification.enrolledMdmMs)} by the device management’s clock`],
      ['Proof complete', `${time(sanitization.completedMs)} by the cart’s clock`],
      ['Not recorded', 'Confidentiality before and after, backup, destination, telephone'],
    ),
    section(
      'Signature',
      ['Ledger', `${shown(ledger.origin)}, entry ${ledger.index} of ${size}`],
      ['Leaf hash', ledger.leaf],
      ['Cart’s key', fingerprint(ledgerKey)],
      ...(witnessed.length === 0 ? [['Witness', 'none yet: PROVISIONAL'] as const] : witnessed.map(({ key, timeS }) => ['Witness', `${shown(key.name)}, key ${fingerprint(key)}, ${time(timeS * 1_000)}`] as const)),
    ),
  ];
}

const GRADE_WORDS: Readonly<Record<Grade, string>> = {
  E0: 'nothing is proven',
  E1: 'the device management confirmed the command',
  E2: 'the tablet enrolled anew, because of the command and after it',
  E3: 'the tablet’s hardware attested it',
};

const LEAF_WORDS: Readonly<Record<GateLeafName, string>> = {
  standing: 'the tablet is admitted',
  'serial-in-slot': 'its serial was read in the slot',
  'no-exposure': 'not out of the cart’s sight since',
  'wipe-confirmed': 'wipe confirmed for this request',
  'enrolment-new': 'enrolment new, never seen before',
  'credentials-revoked': 'earlier credentials revoked',
  'queue-clear': 'no command left waiting, no unlock token kept',
  'profile-present': 'ward profile present',
  posture: 'system up to date and compliant',
  attestation: 'attested by its hardware',
  battery: 'charged',
  bundle: 'policy in date',
};

/** As it stands where it is of Latin letters, digits and signs; otherwise quoted and escaped, so that it cannot pass for a word of ours. */
export const shown = (text: string): string => (/^(?! )[ -~\p{Script=Latin}]+(?<! )$/u.test(text) && !text.includes('  ') ? text : plain(text));
/** UTC; beyond what a calendar holds, the number. */
const time = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC') : `${ms} ms after 1970`);
const fingerprint = (key: VerifierKey): string => hash('sha256', rawPublicKey(key.publicKey), 'hex').slice(0, 16);
