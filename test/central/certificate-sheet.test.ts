import { describe, expect, it } from 'vitest';
import { certificatePdf } from '../../app/central/certificate-pdf.ts';
import { writeCertificate, type Certificate, type CertificateParts } from '../../app/ledger/certificate.ts';
import { readPdf } from '../support/pdf-reading.ts';
import { certificateParts, memoryLedger, recordWipe, sanitizedLedger } from '../support/sanitized-ledger.ts';

const BASE = 'https://dockward.mercy.example';

function certificate(parts: CertificateParts): Certificate {
  const written = writeCertificate(parts);
  return written.ok ? written.value : expect.fail(written.reason.message);
}
function wiped(change: Partial<CertificateParts> = {}): Certificate {
  const { entries, first } = sanitizedLedger();
  return certificate({ ...certificateParts(entries, first), ...change });
}

describe('a certificate on paper', () => {
  it('that no server has seen says PROVISIONAL in letters of 34 points, and a cosigned one does not', async () => {
    const provisional = readPdf(await certificatePdf(wiped({ witnesses: [] }), BASE));
    expect(provisional.lines.find(({ text }) => text === 'PROVISIONAL')?.points).toBeGreaterThanOrEqual(34);
    expect(readPdf(await certificatePdf(wiped(), BASE)).text).not.toContain('PROVISIONAL');
  });

  it('whose names are as long as a ledger allows stays one sheet, its signature and its code whole', async () => {
    const { entries, record } = memoryLedger();
    const long = (letter: string): string => `${letter} `.repeat(900).trim();
    const exposure = record({ type: 'device-admitted', device: 'T1', body: { asset: long('a'), ward: long('w'), model: long('m'), profile: 'p', bundleVersion: 1 } });
    recordWipe(record, { serial: 'T1', slot: 1, exposure, size: 1 });
    const made = certificate(certificateParts(entries, entries.length - 1));
    const sheet = readPdf(await certificatePdf(made, BASE));
    expect([sheet.pages, sheet.qr?.data, sheet.text.includes(made.facts.ledger.leaf), sheet.text.includes('…')]).toEqual([1, `${BASE}/certificate/${made.facts.ledger.leaf}?index=${made.facts.ledger.index}`, true, true]);
    expect(sheet.attached).toEqual([made.text]);
  });

  it('spells out letters that its face lacks, and is the same file each time', async () => {
    const { entries, record } = memoryLedger();
    const exposure = record({ type: 'device-admitted', device: 'T1', body: { asset: 'Bücherei', ward: 'Łódź', model: 'Tab', profile: 'p', bundleVersion: 1 } });
    recordWipe(record, { serial: 'T1', slot: 1, exposure, size: 1 });
    const made = certificate(certificateParts(entries, entries.length - 1));
    const pdf = await certificatePdf(made, BASE);
    expect([readPdf(pdf).text.includes('Bücherei'), readPdf(pdf).text.includes(String.raw`Ward \u0141ód\u017a`)]).toEqual([true, true]);
    expect((await certificatePdf(made, BASE)).equals(pdf)).toBe(true);
  });
});
