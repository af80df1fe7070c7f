import { certificatesAnswer, certificateView } from '../contract/certificates.ts';
import type { CertificatesAnswer, CertificateView } from '../contract/certificates.ts';
import { call, read, refusalOf } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** A certificate is put together from its ledger, proof by proof. */
const PATIENCE_MS = 30_000;

/** A page of the certificates of all carts, newest first; `after` is the leaf of the last one before. */
export async function readCertificates({ q, after }: { readonly q: string; readonly after?: string }): Promise<Reading<CertificatesAnswer>> {
  const search = new URLSearchParams({ q, ...(after === undefined ? {} : { after }) });
  const reading = await read(`/api/certificates?${search.toString()}`, certificatesAnswer, {});
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

export async function readCertificate({ leaf }: { readonly leaf: string }): Promise<Reading<CertificateView>> {
  const reading = await read(addressOf(leaf), certificateView, { patienceMs: PATIENCE_MS });
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

/** A certificate to keep: the sheet for people, or the file for `npm run verify`. */
export async function readCertificateFile(leaf: string, kind: 'pdf' | 'file'): Promise<Answer<{ readonly name: string; readonly file: Blob }>> {
  const response = await call(`${addressOf(leaf)}/${kind}`, { patienceMs: PATIENCE_MS });
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const name = /filename="([^"/\\]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { ok: true, value: { name: name ?? `${leaf.slice(0, 12)}.${kind === 'pdf' ? 'pdf' : 'certificate'}`, file: await response.blob() } };
}

const addressOf = (leaf: string): string => `/api/certificates/${encodeURIComponent(leaf)}`;
