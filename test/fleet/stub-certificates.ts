import { certificatesQuery } from '../../app/contract/certificates.ts';
import type { CertificateRow, CertificatesAnswer, CertificateView } from '../../app/contract/certificates.ts';
import { writeCertificate, type Certificate } from '../../app/ledger/certificate.ts';
import { certificateSections, standingWords } from '../../app/ledger/certificate-words.ts';
import { certificateParts, memoryLedger, recordWipe } from '../support/sanitized-ledger.ts';
import type { Reply } from './stub-past.ts';

/** The certificates that a test's server holds, newest first; a leaf in `unsound` claims more than its ledger proves. */
export interface Certificates {
  certificates: readonly Certificate[];
  unsound: readonly string[];
  /** Queries for the list, as they came. */
  readonly searched: string[];
}

/** `count` wipes of two tablets in turn, the newest first; `provisional`: no server has seen them. */
export function wipesOf(count: number, { provisional = false } = {}): readonly Certificate[] {
  const { entries, record } = memoryLedger('st-7e-a');
  record({ type: 'station-started', body: { program: '0.1.0' } });
  record({ type: 'bundle-accepted', body: { version: 3, issuedAtMs: 1, expiresAtMs: 2, digest: '3f'.repeat(32) } });
  const tablets = [['R52T0886928', 'T-112'], ['R52T0831495', 'T-105']] as const;
  for (const [serial, asset] of tablets) record({ type: 'device-admitted', device: serial, body: { asset, ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 3 } });
  const places: number[] = [];
  for (let turn = 1; turn <= count; turn += 1) {
    const [serial] = tablets[turn % 2] ?? tablets[0];
    const exposure = record({ type: 'exposed', device: serial, slot: 4, body: { cause: 'unobserved' } });
    recordWipe(record, { serial, slot: 4, turn, exposure, size: entries.length });
    places.push(entries.length - 1);
  }
  return places.reverse().map((place) => {
    const parts = certificateParts(entries, place, { origin: 'mercy/station/st-7e-a/e1' });
    const certificate = writeCertificate(provisional ? { ...parts, witnesses: [] } : parts);
    if (!certificate.ok) throw new Error(certificate.reason.message);
    return certificate.value;
  });
}

export function answerCertificates(stub: Certificates, url: URL): Reply | undefined {
  const [, , place, leaf, kind] = url.pathname.split('/');
  if (place !== 'certificates') return undefined;
  if (leaf === undefined) return list(stub, url);
  if (stub.unsound.includes(leaf)) return { status: 422, body: { reason: 'inconsistent', message: 'Record 16 says that a tablet was sanitized, and the records before it do not bear that out.' } };
  const certificate = stub.certificates.find(({ facts }) => facts.ledger.leaf === leaf);
  if (certificate === undefined) return { status: 404, body: { reason: 'not-found', message: 'No ledger of this server holds a certificate with this leaf hash.' } };
  if (kind === undefined) return { status: 200, body: viewOf(certificate) };
  return { status: 200, body: kind === 'pdf' ? '%PDF-1.3\n' : certificate.text, headers: { 'content-type': kind === 'pdf' ? 'application/pdf' : 'application/json', 'content-disposition': `attachment; filename="${certificate.facts.media.serial}.${kind === 'pdf' ? 'pdf' : 'certificate'}"` } };
}

const MOST = 6;

function list(stub: Certificates, url: URL): Reply {
  const { q, after } = certificatesQuery.parse(Object.fromEntries(url.searchParams));
  stub.searched.push(url.search);
  const found = stub.certificates.map(rowOf).filter(({ serial, asset }) => `${serial} ${asset ?? ''}`.toLowerCase().includes(q.toLowerCase()));
  const from = after === undefined ? 0 : found.findIndex(({ leaf }) => leaf === after) + 1;
  const answer: CertificatesAnswer = { at: new Date().toISOString(), certificates: found.slice(from, from + MOST), more: found.length > from + MOST };
  return { status: 200, body: answer };
}

const iso = (ms: number): string => new Date(ms).toISOString();

function rowOf({ facts: { ledger, media, verification, sanitization } }: Certificate): CertificateRow {
  const { serial, asset, model, source } = media;
  return { leaf: ledger.leaf, origin: ledger.origin, index: ledger.index, serial, asset, model, station: source.station, cart: 'Cart A', slot: source.slot, grade: verification.grade, completedAt: iso(sanitization.completedMs), cosignedAt: iso(sanitization.completedMs + 42_000) };
}

function viewOf(certificate: Certificate): CertificateView {
  const { facts, witnessed } = certificate;
  return {
    leaf: facts.ledger.leaf,
    at: new Date().toISOString(),
    serial: facts.media.serial,
    asset: facts.media.asset,
    grade: facts.verification.grade,
    standing: witnessed.length === 0 ? 'provisional' : 'cosigned',
    standingWords: standingWords(certificate),
    sections: certificateSections(certificate).map(({ title, lines }) => ({ title, lines: [...lines] })),
    publicUrl: `https://dockward.mercy.example/certificate/${facts.ledger.leaf}?index=${facts.ledger.index}`,
  };
}
