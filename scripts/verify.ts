/**
 * `npm run verify -- BUNDLE [--policy FILE] [--json]`: audits an exported ledger offline; so it does a receipt and a certificate of sanitization. `--store DIR`: audits a stopped
 * station's own database and compares its projections; `--export FILE --store DIR` writes that ledger as a bundle.
 * `--device SERIAL --from TIME --to TIME` or `--at TIME` beside a sound bundle or store: who held or touched a tablet, or how the cart stood.
 * One exit code per class of finding; 0 is sound.
 */
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { auditBundle, type FindingKind } from '../app/ledger/audit.ts';
import { writeBundle } from '../app/ledger/bundle.ts';
import { ledgerOf } from '../app/station/history.ts';
import { auditCertificate, certificateSummary, isCertificate } from './verify/certificate.ts';
import { answer, ledgerInBundle, namesIn, questionOf, type Question } from './verify/history.ts';
import { auditReceipt, isReceipt, MOST_RECEIPT_BYTES, receiptSummary } from './verify/receipt.ts';
import { auditStore, openStation, StationUnreadable } from './verify/store.ts';
import { summaryOf } from './verify/summary.ts';
import { hashBeside } from './verify/tile-hasher.ts';

const EXIT: Readonly<Record<FindingKind | 'unreadable', number>> = {
  unreadable: 1, bytes: 2, chain: 3, root: 4, signature: 5, projections: 6, witness: 7, consistency: 8, 'key-range': 9, custody: 10, 'break-glass': 11,
};
const USAGE = 'Say what to verify: npm run verify -- BUNDLE, RECEIPT or CERTIFICATE [--policy FILE] [--json], or --store DIR [--export FILE]; and with --device SERIAL --from TIME --to TIME, or --at TIME, what it tells of the past. DIR holds a stopped station’s identity.json and ledger.db.';

const MEANING: Readonly<Record<FindingKind, string>> = {
  bytes: 'This file is not what was exported. Ask for the bundle again; if it is the same again, the ledger itself was changed.',
  chain: 'The record was changed after it was made. Do not rely on anything from this entry on.',
  root: 'The entries are not those that the station signed. Do not rely on this bundle.',
  signature: 'It cannot be said who vouches for this record. Do not rely on it.',
  projections: 'The entries are sound; the stored tables must be rebuilt from them.',
  witness: 'Whoever holds the station’s key could have written this. Ask the hospital’s server for its own bundle of this ledger.',
  consistency: 'The station’s history is not the one that the server saw. Treat the station’s key as stolen; the server’s own bundle holds what was seen.',
  'key-range': 'A key was used for entries it was not valid for. Treat that key as stolen.',
  custody: 'The record is whole and unchanged, but what it tells should not have happened. Ask the ward about this entry.',
  'break-glass': 'An emergency release has not been reviewed yet.',
};

const RECEIPT_MEANING: Partial<Record<FindingKind, string>> = {
  bytes: 'This file is not what was given out. Ask for the receipt again; if it is the same again, the ledger itself was changed.',
  root: 'The entry was changed, or never stood in that ledger. Do not rely on this receipt.',
  signature: 'It cannot be said who vouches for this entry. Do not rely on it.',
  witness: 'Whoever holds the cart’s key could have written this. Ask the hospital’s server for the receipt.',
  chain: 'Entry and proof do not belong together. Do not rely on this receipt.',
};

const CERTIFICATE_MEANING: Partial<Record<FindingKind, string>> = {
  bytes: 'This file is not what was given out. Ask for the certificate again; if it is the same again, the ledger itself was changed.',
  root: 'An entry was changed, or never stood in that ledger. Do not rely on this certificate.',
  signature: 'It cannot be said who vouches for this certificate. Do not rely on it.',
  witness: 'Whoever holds the cart’s key could have written this. Ask the hospital’s server for the certificate.',
  chain: 'What it holds does not belong together. Do not rely on this certificate.',
  custody: 'It claims more than its records prove. Treat the tablet as not sanitized.',
};

const { values, positionals } = parseArgs({
  options: { store: { type: 'string' }, export: { type: 'string' }, policy: { type: 'string' }, device: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' }, at: { type: 'string' }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});

await run().catch((error: unknown) => {
  const told = error instanceof StationUnreadable || (error instanceof Error && 'code' in error);
  if (!told) throw error;
  end('unreadable', error.message);
});

async function run(): Promise<void> {
  const [file, ...more] = positionals;
  if (more.length > 0 || (file === undefined) === (values.store === undefined)) return end('unreadable', USAGE);
  const question = questionOf(values);
  if (typeof question === 'string') return end('unreadable', question);
  if (values.store !== undefined) return values.export === undefined ? verifyStore(values.store, question) : exportStore(values.store, values.export);
  const policy = values.policy === undefined ? undefined : (await readFile(values.policy, 'utf8')).trim();
  const beginning = await firstBytes(file ?? '');
  if (isReceipt(beginning)) return verifyReceipt(beginning, policy);
  if (isCertificate(beginning)) return verifyCertificate(beginning, policy);
  const audit = await auditBundle(createReadStream(file ?? '', { highWaterMark: 1024 * 1024 }), policy, hashBeside);
  const facts = {
    origin: audit.origin, size: audit.size, witnessedSize: audit.witnessed?.size ?? 0, ...(audit.witnessed && { witnessedAt: new Date(audit.witnessed.timeS * 1_000).toISOString() }),
    trusted: audit.trusted, custodyFindings: audit.custodyFindings, counts: audit.custody.counts,
  };
  if (audit.finding) return end(audit.finding.kind, `${audit.finding.message}.\n${MEANING[audit.finding.kind]}`, { ...facts, seq: audit.finding.seq, file: audit.finding.file });
  if (!question) return void process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', ...facts })}\n` : summaryOf(audit));
  const told = await answer(question, ledgerInBundle(file ?? '', audit.origin ?? '', audit.witnessed), namesIn(policy));
  process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', ...facts, ...told.json })}\n` : told.text);
}

function verifyReceipt(bytes: Uint8Array, policy: string | undefined): void {
  const audit = auditReceipt(bytes, policy);
  const { finding, receipt, trusted } = audit;
  const facts = receipt && { origin: receipt.origin, seq: receipt.entry.seq, size: receipt.size, trusted, entry: receipt.entry, witnessed: receipt.witnessed.map(({ key, timeS }) => ({ name: key.name, at: new Date(timeS * 1_000).toISOString() })) };
  if (finding) return end(finding.kind, `${finding.message}.\n${RECEIPT_MEANING[finding.kind] ?? MEANING[finding.kind]}`, facts);
  process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', ...facts })}\n` : receiptSummary(audit));
}

function verifyCertificate(bytes: Uint8Array, policy: string | undefined): void {
  const audit = auditCertificate(bytes, policy);
  const { finding, certificate, trusted, inForce } = audit;
  const facts = certificate && { ...certificate.facts, size: certificate.size, trusted, inForce, witnessed: certificate.witnessed.map(({ key, timeS }) => ({ name: key.name, at: new Date(timeS * 1_000).toISOString() })) };
  if (finding) return end(finding.kind, `${finding.message}.\n${CERTIFICATE_MEANING[finding.kind] ?? MEANING[finding.kind]}`, { ...facts, seq: finding.seq });
  process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', ...facts })}\n` : certificateSummary(audit));
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_RECEIPT_BYTES), 0, MOST_RECEIPT_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function verifyStore(folder: string, question: Question | undefined): Promise<void> {
  const station = await openStation(folder);
  try {
    const { finding, summary, size } = await auditStore(station);
    if (finding) return end(finding.kind, finding.message, { origin: station.origin, size, seq: finding.seq });
    const policy = question && (await readFile(values.policy ?? join(folder, 'bundle.jws'), 'utf8').catch(() => ''));
    const told = question && (await answer(question, ledgerOf(station.store, station.origin), namesIn(policy)));
    process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', size, origin: station.origin, ...told?.json })}\n` : (told?.text ?? `${summary}\n`));
  } finally {
    await station.store.close();
  }
}

/** Writes beside the target first, so that a bundle is there whole or not at all. */
async function exportStore(folder: string, target: string): Promise<void> {
  const station = await openStation(folder);
  const fresh = `${target}.new`;
  try {
    const parts = await station.bundle();
    const output = await open(fresh, 'w', 0o600);
    try {
      for await (const chunk of writeBundle(parts)) await output.writeFile(chunk);
      await output.sync();
    } finally {
      await output.close();
    }
    await rename(fresh, target);
    process.stdout.write(values.json ? `${JSON.stringify({ exported: target, origin: station.origin, size: parts.size })}\n` : `${parts.size} entries of ${station.origin} are in ${target}.\n`);
  } finally {
    await rm(fresh, { force: true });
    await station.store.close();
  }
}

function end(kind: FindingKind | 'unreadable', message: string, facts: object = {}): void {
  process.stdout.write(values.json ? `${JSON.stringify({ finding: kind, message: message.split('\n')[0], ...facts })}\n` : `${kind === 'unreadable' ? '' : `NOT SOUND (${kind}): `}${message}\n`);
  process.exitCode = EXIT[kind];
}
